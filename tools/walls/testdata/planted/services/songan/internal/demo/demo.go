// Package demo is not a domain: services/songan has none.
package demo

import (
	_ "context"
	_ "os"
	"time"
)

func Elapsed(since time.Time) float64 { return time.Since(since).Seconds() }
