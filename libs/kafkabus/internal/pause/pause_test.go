package pause_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/kafkabus/internal/pause"
)

func TestPausesDoubleUpToTheMostAndStartOverAfterASuccess(t *testing.T) {
	t.Parallel()
	b := pause.Backoff{First: time.Millisecond, Most: 4 * time.Millisecond}
	least := func() (total time.Duration) {
		began := time.Now()
		for range 4 {
			if err := b.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return time.Since(began)
	}
	if took := least(); took < 11*time.Millisecond {
		t.Errorf("1, 2, 4 and 4 ms took %s", took)
	}
	b.Success()
	if took := least(); took < 11*time.Millisecond || took > 5*time.Second {
		t.Errorf("again: %s", took)
	}
}

func TestEveryDoublingOfFailuresIsLoud(t *testing.T) {
	t.Parallel()
	var b pause.Backoff
	var loud []int
	for range 20 {
		if b.Loud() {
			loud = append(loud, b.Failures()+1)
		}
		if err := b.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]int{1, 2, 4, 8, 16}, loud); diff != "" {
		t.Errorf("failures that are told (-want +got):\n%s", diff)
	}
}

func TestAPauseEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := pause.For(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
