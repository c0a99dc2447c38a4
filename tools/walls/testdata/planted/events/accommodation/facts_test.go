package accommodation

import (
	"os"
	"testing"
	"time"

	_ "github.com/songan-vn/songan/events/eventstest"
	_ "github.com/songan-vn/songan/libs/testkit" // want depguard:events
)

func TestOK(t *testing.T) { t.Log(os.Args, time.Now()) }
