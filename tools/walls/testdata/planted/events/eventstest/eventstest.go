// Package eventstest is for tests, and may do what tests do.
package eventstest

import (
	_ "os"
	_ "testing"
)
