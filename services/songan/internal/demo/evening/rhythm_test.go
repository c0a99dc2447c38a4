package evening

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestGuestsComeInOrderAndWithinTheEvening(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		over := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "over"))
		parties := rapid.IntRange(1, 300).Draw(t, "parties")
		last := time.Duration(0)
		for i := range parties {
			at := rhythm(2*i+1, 2*parties, over)
			if at < last || at > over {
				t.Fatalf("party %d of %d comes at %s, after %s, in %s", i, parties, at, last, over)
			}
			last = at
		}
	})
}

func TestTheAfternoonIsQuietAndTheWaveComesBeforeElevenAtNight(t *testing.T) {
	t.Parallel()
	const parties, halfHour = 10_000, time.Minute
	over := halfHour * time.Duration(halfHours)
	perHalfHour := make([]int, halfHours)
	for i := range parties {
		perHalfHour[min(int(rhythm(2*i+1, 2*parties, over)/halfHour), len(perHalfHour)-1)]++
	}
	mean := parties / len(perHalfHour)
	if first, last := perHalfHour[0], perHalfHour[len(perHalfHour)-1]; first > mean/2 || last < 3*mean {
		t.Errorf("%d parties in the first half hour, %d in the last, %d on average", first, last, mean)
	}
	for i := 1; i < 4; i++ {
		if perHalfHour[i] > mean/2 {
			t.Errorf("%d parties in half hour %d of a quiet afternoon", perHalfHour[i], i)
		}
	}
}

func TestTheClockInTheLobby(t *testing.T) {
	t.Parallel()
	for passed, want := range map[time.Duration]string{
		0: "14:00", 27 * time.Second: "18:30", 53 * time.Second: "22:50", 54 * time.Second: "23:00", time.Hour: "23:00",
	} {
		if got := Clock(passed, 54*time.Second); got != want {
			t.Errorf("after %s the clock shows %s, want %s", passed, got, want)
		}
	}
	if got := Clock(0, 0); got != "23:00" {
		t.Errorf("an evening that takes no time ends at %s", got)
	}
}
