package eventstore_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestMain(m *testing.M) {
	testkit.Main(m, testkit.Roles{"putter": func(ctx context.Context, args []string) error {
		return putUntil(ctx, args[0], args[1])
	}})
}

const (
	tills = 8
	hands = 10 // that the parent puts into each till at a time
	turns = 10 // changes of the writer, in the order of the log, without which there was no contest
	done  = "done"
)

// putUntil is a process of its own, which puts coins into the tills until a file is there.
func putUntil(ctx context.Context, url, file string) error {
	pool, err := pg.Open(ctx, url, pg.Options{MaxConns: 4})
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := eventstore.Migrate(ctx, pool); err != nil {
		return err
	}
	s, err := eventstore.Open(ctx, pool, eventstore.Options{Catalog: catalog()})
	if err != nil {
		return err
	}
	defer s.Close()
	there := func(int) bool { _, err := os.Stat(file); return err == nil }
	if err := putEverywhere(ctx, s, "child", there, os.Stdout); err != nil {
		return err
	}
	_, err = fmt.Println(done)
	return err
}

func allHands(hand int) bool { return hand == hands }

// putEverywhere puts coins into all tills at once, until it is enough, and tells of each success.
func putEverywhere(ctx context.Context, s *eventstore.Store, who string, enough func(hand int) bool, success io.Writer) error {
	failures := make(chan error, tills)
	var working sync.WaitGroup
	var mu sync.Mutex
	for n := range tills {
		working.Go(func() {
			for hand := 0; !enough(hand); hand++ {
				till, cause := fmt.Sprintf("till-%d", n), fmt.Sprintf("%s-%d", who, hand)
				err := execute(ctx, s, till, insert{[]int{1}}, cause)
				for isConflict(err) { // five attempts may not be enough here
					err = execute(ctx, s, till, insert{[]int{1}}, cause)
				}
				if err != nil {
					failures <- err
					return
				}
				mu.Lock()
				fmt.Fprintln(success, till, cause)
				mu.Unlock()
			}
		})
	}
	working.Wait()
	close(failures)
	return <-failures
}

// parent is the store of this process, in the schema of a url that others are given.
func parent(t *testing.T, url string) *eventstore.Store {
	t.Helper()
	pool, err := pg.Open(t.Context(), url, pg.Options{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if err := eventstore.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	return open(t, pool)
}

// causes returns how often each cause is in each till, as "till cause", and how often, from one position to the next, the
// process changed that wrote.
func causes(t *testing.T, s *eventstore.Store) (found map[string]int, changes int) {
	t.Helper()
	found = map[string]int{}
	before := ""
	for _, r := range everything(t, s) {
		found[r.Stream+" "+r.Meta.Cause]++
		who, _, _ := strings.Cut(r.Meta.Cause, "-")
		if before != "" && who != before {
			changes++
		}
		before = who
	}
	return found, changes
}

// The child is at work before the parent begins and after it has ended, and the parent goes on until they have met: they
// change places in the log.
func TestTwoProcessesAppendToTheSameStreams(t *testing.T) {
	t.Parallel()
	url, end := testkit.PostgresURL(t), filepath.Join(t.TempDir(), "end")
	s := parent(t, url)
	child := testkit.Child(t, "putter", url, end)
	want := map[string]int{child.Line(time.Minute): 1}
	round := 0
	testkit.Eventually(t, func() error {
		round++
		who := fmt.Sprintf("parent-%d", round)
		if err := putEverywhere(t.Context(), s, who, allHands, io.Discard); err != nil {
			t.Error(err)
		}
		for n := range tills {
			for hand := range hands {
				want[fmt.Sprintf("till-%d %s-%d", n, who, hand)] = 1
			}
		}
		if _, changes := causes(t, s); changes < turns {
			return fmt.Errorf("the writer changed %d times in the log: they do not write at the same time", changes)
		}
		return nil
	})
	if err := os.WriteFile(end, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for line := child.Line(time.Minute); line != done; line = child.Line(time.Minute) {
		want[line] = 1
	}
	got, _ := causes(t, s)
	same(t, "causes", want, got)
}

func TestAKilledProcessHasStoredWhatItSaidAndTheOtherGoesOn(t *testing.T) {
	t.Parallel()
	url := testkit.PostgresURL(t)
	s := parent(t, url)
	child := testkit.Child(t, "putter", url, filepath.Join(t.TempDir(), "never"))
	var told []string
	for range hands {
		told = append(told, child.Line(time.Minute))
	}
	child.Kill()
	if err := putEverywhere(t.Context(), s, "parent", allHands, io.Discard); err != nil {
		t.Error(err)
	}
	found, _ := causes(t, s)
	parents := 0
	for cause, n := range found {
		if n != 1 {
			t.Errorf("%s is there %d times", cause, n)
		}
		if strings.Contains(cause, "parent") {
			parents++
		}
	}
	for _, cause := range told {
		if found[cause] == 0 {
			t.Errorf("%s was told and is not there", cause)
		}
	}
	if parents != tills*hands || len(found)-parents < len(told) {
		t.Errorf("%d commands of the parent and %d of the child are there", parents, len(found)-parents)
	}
}
