// Package testkit is for tests, and may start servers.
package testkit

import (
	"os"
	_ "testing"
	"time"

	_ "github.com/songan-vn/songan/libs/embedded/kafka"
)

func Main() {
	time.Sleep(1)
	os.Exit(0)
}
