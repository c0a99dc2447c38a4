package quarantine

import (
	"testing"

	"github.com/songan-vn/songan/libs/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }
