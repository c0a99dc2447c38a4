// Package eventstoretest is a conformance suite: imported by tests only, so it may use their tools.
package eventstoretest

import (
	_ "testing"

	_ "github.com/songan-vn/songan/libs/testkit"
)
