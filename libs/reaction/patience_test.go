package reaction

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnAttemptGoesOnForAMomentWhenItsDeliveryEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p patience
		partition, end := context.WithCancel(t.Context())
		deliveries := []*handling{{Context: partition}, {Context: partition}}
		var attempts []context.Context
		for _, delivery := range deliveries {
			ctx, cancel := context.WithTimeout(&attempt{p.after(delivery), delivery}, time.Hour)
			defer cancel()
			if handlingOf(ctx) != delivery {
				t.Error("an attempt has not the values of its delivery")
			}
			attempts = append(attempts, ctx)
		}
		if p.after(deliveries[0]) != p.after(deliveries[1]) {
			t.Error("deliveries that end together do not share what comes after")
		}
		part, cancel := context.WithCancel(attempts[0])
		defer cancel()
		end()
		<-time.After(grace - time.Nanosecond) // the time of a bubble
		synctest.Wait()
		for _, ctx := range append(attempts, part) {
			if ctx.Err() != nil {
				t.Errorf("an attempt ended too early: %v", ctx.Err())
			}
		}
		<-time.After(time.Nanosecond)
		synctest.Wait()
		for _, ctx := range append(attempts, part) {
			if ctx.Err() == nil {
				t.Error("an attempt goes on for ever")
			}
		}
		p.lasting.Range(func(any, any) bool {
			t.Error("what nobody needs any more is kept")
			return false
		})
	})
}
