// Package decider breaks the purity of libs.
package decider

import (
	"fmt"
	_ "net/http" // want depguard:pure
	"time"

	"github.com/songan-vn/songan/events"
	_ "github.com/songan-vn/songan/libs/decider/decidertest" // want depguard:pure depguard:libs-binaries
	_ "github.com/songan-vn/songan/libs/eventstore"          // want depguard:pure
	_ "github.com/songan-vn/songan/libs/problem"
)

func Unknown(e events.Event) string { return fmt.Sprint(e) }

func Wait() { <-time.After(time.Second) } // want forbidigo:clock
