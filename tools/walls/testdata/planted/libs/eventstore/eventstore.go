// Package eventstore may do I/O; what it may not know is which service it serves.
package eventstore

import (
	"context"
	"time"

	_ "github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	_ "github.com/songan-vn/songan/events"
	_ "github.com/songan-vn/songan/events/accommodation"   // want depguard:'libs'
	_ "github.com/songan-vn/songan/libs/embedded/postgres" // want depguard:libs-binaries
	_ "github.com/songan-vn/songan/libs/problem"
	_ "github.com/songan-vn/songan/libs/testkit"          // want depguard:libs-binaries
	_ "github.com/songan-vn/songan/services/identity/api" // want depguard:'libs'
	_ "testing"                                           // want depguard:libs-binaries
)

func Open(ctx context.Context) time.Time {
	prometheus.MustRegister() // want forbidigo:Registerer
	time.Sleep(1)             // want forbidigo:condition
	_ = context.TODO()        // want forbidigo:Background
	_ = float64(1)
	return time.Now()
}

type ListFacts struct{ Limit int }

func Ask(q ListFacts) int { return q.Limit } // want forbidigo:room
