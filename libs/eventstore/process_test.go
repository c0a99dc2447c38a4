package eventstore_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/testkit"
)

const (
	envChild = "SONGAN_EVENTSTORE_CHILD" // the URL of the log on which this process is the second one
	tills    = 8
	hands    = 40 // that each process puts into each till
)

func TestMain(m *testing.M) {
	if url := os.Getenv(envChild); url != "" {
		if err := putEverywhere(context.Background(), url, "child"); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// putEverywhere is what each of the processes does: it puts coins into all tills at once.
func putEverywhere(ctx context.Context, url, who string) error {
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
	for till := range tills {
		working.Go(func() {
			for n := range hands {
				cause := fmt.Sprintf("%s-%d", who, n)
				for err := error(eventstore.ErrConflict); err != nil; { // five attempts may not be enough here
					if err = execute(ctx, s, fmt.Sprintf("till-%d", till), insert{[]int{1}}, cause); err != nil && !isConflict(err) {
						failures <- err
						return
					}
				}
			}
		})
	}
	working.Wait()
	close(failures)
	return <-failures
}

func TestTwoProcessesAppendToTheSameStreams(t *testing.T) {
	t.Parallel()
	url := testkit.PostgresURL(t)
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), envChild+"="+url)
	said, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	child.Stderr = child.Stdout
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if err := putEverywhere(t.Context(), url, "parent"); err != nil {
		t.Error(err)
	}
	var lines []string
	for scanner := bufio.NewScanner(said); scanner.Scan(); {
		lines = append(lines, scanner.Text())
	}
	if err := child.Wait(); err != nil {
		t.Fatalf("the second process: %v: %s", err, strings.Join(lines, "\n"))
	}

	pool, err := pg.Open(t.Context(), url, pg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	s := open(t, pool)
	defer s.Close()
	want := map[string]int{"child": hands, "parent": hands}
	for n := range tills {
		got := map[string]int{}
		for _, r := range mustLoad(t, s, fmt.Sprintf("till-%d", n)) {
			who, _, _ := strings.Cut(r.Meta.Cause, "-")
			got[who]++
		}
		same(t, fmt.Sprintf("facts in till %d by process", n), want, got)
	}
	if all := everything(t, s); len(all) != 2*tills*hands {
		t.Errorf("the log has %d facts, want %d", len(all), 2*tills*hands)
	}
}
