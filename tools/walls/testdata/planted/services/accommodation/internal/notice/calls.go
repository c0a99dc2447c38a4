package notice

import (
	"fmt"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
)

type Notice struct{ Rate float64 } // want forbidigo:whole

func (n Notice) Evolve(e events.Event) Notice {
	panic(decider.Unknown(e))
}

func Decide() {
	now := time.Now        // want forbidigo:clock
	_ = time.Since(now())  // want forbidigo:clock
	_ = time.Until(now())  // want forbidigo:clock
	_ = time.Tick(1)       // want forbidigo:clock
	_ = time.NewTimer(1)   // want forbidigo:clock
	_ = time.NewTicker(1)  // want forbidigo:clock
	time.AfterFunc(1, nil) // want forbidigo:clock
	_ = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).Add(time.Hour)
	fmt.Println("noise") // want forbidigo:io.Writer
	println("noise")     // want forbidigo:io.Writer
	panic("input")       // want forbidigo:impossible
}
