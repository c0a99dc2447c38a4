package pg_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/testkit"
)

func files(pairs ...string) fstest.MapFS {
	fs := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		fs[pairs[i]] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + pairs[i+1])}
	}
	return fs
}

func tables(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), "select tablename::text from pg_tables where schemaname = current_schema()")
	return sorted(t, rows, err)
}

func TestEveryPartCountsItsOwnMigrations(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	first := files("00001_a.sql", "create table a();")
	more := files("00001_a.sql", "create table a();", "00002_b.sql", "create table b();")
	other := files("00001_c.sql", "create table c();")
	for _, step := range []struct {
		name  string
		files fstest.MapFS
	}{{"log", first}, {"log", first}, {"vault", other}, {"log", more}} {
		if err := pg.Migrate(t.Context(), pool, step.name, step.files); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"a", "b", "c", "goose_log", "goose_vault"}
	if diff := cmp.Diff(want, tables(t, pool)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProcessesThatStartTogetherMigrateOnce(t *testing.T) {
	t.Parallel()
	const processes = 6
	url := testkit.PostgresURL(t)
	// created without "if not exists": doing it twice would fail
	plan := files("00001_slow.sql", "select pg_sleep(0.05);", "00002_once.sql", "create table once as select 1 as n;")
	together, ctx := errgroup.WithContext(t.Context())
	for range processes {
		together.Go(func() error {
			pool, err := pg.Open(ctx, url, pg.Options{MaxConns: 2})
			if err != nil {
				return err
			}
			defer pool.Close()
			return pg.Migrate(ctx, pool, "log", plan)
		})
	}
	if err := together.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestAFailedMigrationIsNamedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	err := pg.Migrate(t.Context(), pool, "log", files(
		"00001_good.sql", "create table good();",
		"00002_bad.sql", "create table half(); select 1/0;",
		"00003_never.sql", "create table never();",
	))
	if err == nil || !strings.Contains(err.Error(), "00002_bad.sql") {
		t.Errorf("got %v, want an error that names 00002_bad.sql", err)
	}
	if diff := cmp.Diff([]string{"good", "goose_log"}, tables(t, pool)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := pg.Migrate(t.Context(), pool, "log", files(
		"00001_good.sql", "create table good();",
		"00002_bad.sql", "create table mended();",
	)); err != nil {
		t.Errorf("the lock was not given back, or the repair refused: %v", err)
	}
}

func TestWaitingForAnotherProcessEndsWithTheContext(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	holder, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Release()
	if _, err := holder.Exec(t.Context(), `select pg_advisory_lock(
		hashtextextended('migrate ' || current_database() || ' ' || current_schema() || ' log', 0))`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := pg.Migrate(ctx, pool, "log", files("00001_a.sql", "create table a();")); err == nil {
		t.Error("migrated while another process held the lock")
	}
	if got := tables(t, pool); len(got) != 0 {
		t.Errorf("tables %v were made while another process held the lock", got)
	}
	if _, err := holder.Exec(t.Context(), "select pg_advisory_unlock_all()"); err != nil {
		t.Fatal(err)
	}
}
