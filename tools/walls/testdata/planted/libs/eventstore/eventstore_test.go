package eventstore_test

import (
	"testing"
	"time"

	_ "github.com/songan-vn/songan/events/accommodation" // want depguard:'libs'
	_ "github.com/songan-vn/songan/libs/testkit"
)

func TestSleep(t *testing.T) { time.Sleep(1) } // want forbidigo:condition
