// Package accommodation wires the service.
package accommodation

import (
	"context"
	"log"
	"log/slog"
	_ "net/http/httptest" // want depguard:services-binaries

	_ "github.com/songan-vn/songan/events/eventstest"        // want depguard:services-binaries
	_ "github.com/songan-vn/songan/libs/decider/decidertest" // want depguard:services-binaries
	_ "github.com/songan-vn/songan/services/accommodation/internal/facility"
	"go.uber.org/zap"
)

func New(ctx context.Context) {
	zap.L()                   // want forbidigo:zap.Logger
	zap.S()                   // want forbidigo:zap.Logger
	zap.ReplaceGlobals(nil)   // want forbidigo:zap.Logger
	log.Fatal()               // want forbidigo:zap.Logger
	slog.InfoContext(ctx, "") // want forbidigo:zap.Logger
}
