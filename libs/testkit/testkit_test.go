package testkit_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/testkit"
)

// spy is a testing.TB which notes that a test would have ended, instead.
type spy struct {
	testing.TB
	fatal string
}

func (s *spy) Helper() {}

func (s *spy) Fatalf(format string, args ...any) {
	s.fatal = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// watch runs f with a spy and returns what ended it; empty if nothing did.
func watch(t *testing.T, f func(testing.TB)) string {
	t.Helper()
	s := &spy{TB: t}
	done := make(chan struct{})
	go func() { defer close(done); f(s) }()
	<-done
	return s.fatal
}

func TestEventuallyWaitsUntilTheCheckPasses(t *testing.T) {
	t.Parallel()
	calls := 0
	testkit.Eventually(t, func() error {
		if calls++; calls < 4 {
			return errors.New("not yet")
		}
		return nil
	})
	if calls != 4 {
		t.Errorf("the check ran %d times, want 4", calls)
	}
}

func TestEventuallyEndsTheTestWithTheLastError(t *testing.T) {
	t.Parallel()
	calls := 0
	said := watch(t, func(t testing.TB) {
		testkit.Within(t, 20*time.Millisecond, func() error {
			calls++
			return fmt.Errorf("try %d", calls)
		})
	})
	if want := fmt.Sprintf("still not so after 20ms: try %d", calls); said != want {
		t.Errorf("it ended with %q, want %q", said, want)
	}
}

func TestEventuallyChecksOnceEvenWithoutTime(t *testing.T) {
	t.Parallel()
	calls := 0
	testkit.Within(t, 0, func() error { calls++; return nil })
	if calls != 1 {
		t.Errorf("the check ran %d times, want once", calls)
	}
}

func TestAClockMovesOnlyWhenTold(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 23, 0, 0, 0, time.UTC)
	clock := testkit.NewClock(at)
	if got := clock.Now(); !got.Equal(at) {
		t.Errorf("it's %s, want %s", got, at)
	}
	clock.Advance(90 * time.Minute)
	clock.Advance(-time.Minute)
	if got, want := clock.Now(), at.Add(89*time.Minute); !got.Equal(want) {
		t.Errorf("it's %s, want %s", got, want)
	}
}

func ExampleClock() {
	clock := testkit.NewClock(time.Date(2026, 11, 21, 22, 59, 0, 0, time.UTC))
	late := func(now func() time.Time) bool { return now().Hour() >= 23 }

	fmt.Println(late(clock.Now))
	clock.Advance(time.Minute)
	fmt.Println(late(clock.Now))
	// Output:
	// false
	// true
}

func TestAChildThatEndsInsteadOfSpeakingEndsTheTest(t *testing.T) {
	t.Parallel()
	said := watch(t, func(spy testing.TB) { testkit.Child(spy, "failing").Line(10 * time.Second) })
	if !strings.Contains(said, "out of paper") {
		t.Errorf("it ended with %q, want the child's reason", said)
	}
}
