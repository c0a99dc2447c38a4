package testkit_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/testkit"
)

func TestMain(m *testing.M) {
	testkit.Main(m, testkit.Roles{
		"writer": writer,
		"echo":   echo,
		"sleeper": func(ctx context.Context, _ []string) error {
			fmt.Println("asleep")
			<-ctx.Done()
			return nil
		},
		"failing": func(context.Context, []string) error { return errors.New("out of paper") },
	})
}

// writer commits numbers to a table and says each one once it's committed.
func writer(ctx context.Context, args []string) error {
	conn, err := pgx.Connect(ctx, args[0])
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for n := 1; ctx.Err() == nil; n++ {
		if _, err := conn.Exec(ctx, "insert into numbers values ($1)", n); err != nil {
			return err
		}
		fmt.Println(n)
	}
	return nil
}

func echo(_ context.Context, args []string) error {
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprintln(out, strings.Join(args, "|"))
	return out.Flush()
}

func TestAChildPlaysItsRoleWithItsArguments(t *testing.T) {
	t.Parallel()
	child := testkit.Child(t, "echo", "one", "two words", "")
	if got, want := child.Line(time.Minute), "one|two words|"; got != want {
		t.Errorf("the child said %q, want %q", got, want)
	}
	if err := child.Stop(); err != nil {
		t.Errorf("the child ended with %v", err)
	}
}

func TestAChildWhichIsAskedToStopEndsItsContext(t *testing.T) {
	t.Parallel()
	child := testkit.Child(t, "sleeper")
	child.Line(time.Minute)
	if err := child.Stop(); err != nil {
		t.Errorf("the child ended with %v, want a clean end", err)
	}
}

func TestAFailingChildSaysWhy(t *testing.T) {
	t.Parallel()
	child := testkit.Child(t, "failing")
	if err := child.Wait(time.Minute); err == nil {
		t.Error("the child ended well, want an error")
	}
	if !strings.Contains(child.Stderr(), "out of paper") {
		t.Errorf("the child said %q, want its reason", child.Stderr())
	}
}

func TestWhatAKilledChildHasCommittedIsThere(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	if _, err := pool.Exec(t.Context(), "create table numbers (n int primary key)"); err != nil {
		t.Fatal(err)
	}
	child := testkit.Child(t, "writer", pool.Config().ConnString())
	var last int
	for range 20 {
		if _, err := fmt.Sscan(child.Line(time.Minute), &last); err != nil {
			t.Fatal(err)
		}
	}
	child.Kill()
	if err := child.Stop(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the child ended with %v, want that it was killed", err)
	}
	var there int
	if err := pool.QueryRow(t.Context(), "select count(*) from numbers where n <= $1", last).Scan(&there); err != nil {
		t.Fatal(err)
	}
	if there != last {
		t.Errorf("%d numbers are there, want all %d which were said", there, last)
	}
}
