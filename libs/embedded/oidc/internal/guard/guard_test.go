package guard

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

func TestRightPasswordsCostNothing(t *testing.T) {
	t.Parallel()
	g := New(func() time.Time { return time.Unix(0, 0) })
	for range 100 {
		if _, ok := g.Try("an", "office"); !ok {
			t.Fatal("has to wait")
		}
		g.Right("an", "office")
	}
}

func TestWhatIsRememberedOfGuessesHasALimit(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	b := newBuckets(1, time.Hour)
	for i := range remembered + 10 {
		b.take(strconv.Itoa(i), now)
	}
	if len(b.paid) > remembered {
		t.Error(len(b.paid))
	}
}

// Whatever the others do: who has not guessed wrongly for long enough is let in from the address that the account knows,
// and nobody is let in more often than the limit of one account and address allows.
func TestAFloodDoesNotLockOutWhoIsKnownAndNoPairIsLetInTooOften(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // the same floods every time
	for range 50 {
		now := time.Unix(0, 0)
		g := New(func() time.Time { return now })
		g.Knows("owner", "home")
		let := map[string]int{}
		for range 2_000 {
			now = now.Add(time.Duration(r.IntN(1000)) * time.Millisecond)
			account, address := strconv.Itoa(r.IntN(3)), strconv.Itoa(r.IntN(40))
			if r.IntN(2) == 0 {
				account = "owner"
			}
			if _, ok := g.Try(account, address); ok {
				let[account+" "+address]++
			}
		}
		if _, ok := g.Try("owner", "home"); !ok {
			t.Fatal("the owner is locked out of their own address")
		}
		most := PairAtOnce + int(now.Sub(time.Unix(0, 0))/PairEvery)
		for pair, times := range let {
			if times > most {
				t.Fatalf("%s was let in %d times, want at most %d", pair, times, most)
			}
		}
	}
}
