package service

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// Anybody may ask whether the process is ready, and each question costs a query.
func TestServicesAreAskedOnceASecondHoweverManyAsk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked, fault := 0, error(nil)
		r := readiness{log: zap.NewNop(), services: []Service{{Name: "a", Ready: func(context.Context) error { asked++; return fault }}}}
		for _, step := range []struct {
			after        time.Duration
			fault        error
			asked, tells int
		}{
			{asked: 1, tells: http.StatusOK},
			{fault: errors.New("away"), asked: 1, tells: http.StatusOK},
			{after: readyFor / 2, fault: errors.New("away"), asked: 1, tells: http.StatusOK},
			{after: readyFor / 2, fault: errors.New("away"), asked: 2, tells: http.StatusServiceUnavailable},
			{after: readyFor, asked: 3, tells: http.StatusOK},
		} {
			<-time.After(step.after)
			fault = step.fault
			for range 3 {
				if status, said := r.now(t.Context()); status != step.tells || asked != step.asked {
					t.Errorf("%+v: %d %v, asked %d times", step, status, said, asked)
				}
			}
		}
	})
}

func TestWhoGoesAwayMakesNothingUnready(t *testing.T) {
	t.Parallel()
	gone, leave := context.WithCancel(t.Context())
	leave()
	r := readiness{log: zap.NewNop(), services: []Service{{Name: "a", Ready: func(ctx context.Context) error { return ctx.Err() }}}}
	if status, said := r.now(gone); status != http.StatusOK {
		t.Errorf("%d %v", status, said)
	}
}
