// Package accommodation breaks wall b.
package accommodation

import (
	"context" // want depguard:pure
	"time"

	_ "github.com/songan-vn/songan/events"
	_ "github.com/songan-vn/songan/libs/problem" // want depguard:events
	_ "go.uber.org/zap"                          // want depguard:pure depguard:events
)

type Stayed struct {
	Context context.Context
	Price   float64 // want forbidigo:whole
}

func Now() time.Time { return time.Now() } // want forbidigo:clock
