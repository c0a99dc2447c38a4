// Package projections is an I/O room: it may wait and look at the clock.
package projections

import (
	"context"
	_ "database/sql"
	"os"
	"time"

	_ "github.com/jackc/pgx/v5"
	_ "github.com/songan-vn/songan/libs/embedded/postgres" // want depguard:services-binaries
	_ "github.com/songan-vn/songan/libs/testkit"           // want depguard:services-binaries
	"go.uber.org/zap"
)

func Age(_ context.Context, log *zap.Logger) float64 {
	if log == nil {
		os.Exit(1) // want forbidigo:main
	}
	return time.Since(time.Now()).Seconds()
}
