package board

import (
	"bytes"
	"context"
	"sync"
	"testing"
)

func TestWithoutATerminalThereAreLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	b := New(&out, func() string { return "21:40" })
	facilities := b.Gauge("facilities", 200, Everywhere)
	checkIns := b.Gauge("check-ins", 5_000, InLines)
	alone := b.Gauge("alone", 1_900, InBars)
	b.Gauge("nothing", 0, Everywhere)
	b.Start(context.WithoutCancel(t.Context()))
	facilities.Set(300) // more than there are
	var desks sync.WaitGroup
	for range 4 {
		desks.Go(func() {
			for range 1_000 {
				checkIns.Add(1)
				alone.Add(1)
			}
		})
	}
	desks.Wait()
	b.End()
	want := "  21:40  facilities 200 of 200, check-ins 4,000 of 5,000\n"
	if got := out.String(); got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
}

func TestThousandsAreGrouped(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		0: "0", 7: "7", 999: "999", 1_000: "1,000", 12_345: "12,345", 1_234_567: "1,234,567", -5: "-5", -999: "-999", -1_000: "-1,000", -123_456: "-123,456",
	} {
		if got := Grouped(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}
