package eventstore_test

import (
	"context"
	"fmt"
	"io"
	"os"
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
		return putEverywhere(ctx, args[0], args[1], os.Stdout)
	}})
}

const (
	tills = 8
	hands = 40 // that each process puts into each till
)

// putEverywhere is what a process does: it puts coins into all tills at once, and tells of each success.
func putEverywhere(ctx context.Context, url, who string, success io.Writer) error {
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
	failures := make(chan error, tills)
	var working sync.WaitGroup
	var mu sync.Mutex
	for n := range tills {
		working.Go(func() {
			for hand := range hands {
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

// causes returns how often each cause is in each till, as "till cause".
func causes(t *testing.T, url string) map[string]int {
	t.Helper()
	pool, err := pg.Open(t.Context(), url, pg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	s := open(t, pool)
	defer s.Close()
	found := map[string]int{}
	for _, r := range everything(t, s) {
		found[r.Stream+" "+r.Meta.Cause]++
	}
	return found
}

func TestTwoProcessesAppendToTheSameStreams(t *testing.T) {
	t.Parallel()
	url := testkit.PostgresURL(t)
	child := testkit.Child(t, "putter", url, "child")
	if err := putEverywhere(t.Context(), url, "parent", io.Discard); err != nil {
		t.Error(err)
	}
	if err := child.Wait(time.Minute); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for n := range tills {
		for hand := range hands {
			want[fmt.Sprintf("till-%d child-%d", n, hand)] = 1
			want[fmt.Sprintf("till-%d parent-%d", n, hand)] = 1
		}
	}
	same(t, "causes", want, causes(t, url))
}

func TestAKilledProcessHasStoredWhatItSaidAndTheOtherGoesOn(t *testing.T) {
	t.Parallel()
	url := testkit.PostgresURL(t)
	child := testkit.Child(t, "putter", url, "child")
	var told []string
	for range hands {
		told = append(told, child.Line(time.Minute))
	}
	child.Kill()
	if err := putEverywhere(t.Context(), url, "parent", io.Discard); err != nil {
		t.Error(err)
	}
	found, parents := causes(t, url), 0
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
