package pg_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/testkit"
)

func ExampleIsDown() {
	for _, err := range []error{
		fmt.Errorf("append: %w", &pgconn.PgError{Code: "57P01"}), // the server is shutting down
		fmt.Errorf("append: %w", &pgconn.PgError{Code: "23505"}), // the row is there already
	} {
		if pg.IsDown(err) {
			fmt.Println("try again later")
			continue
		}
		fmt.Println("look at it")
	}
	// Output:
	// try again later
	// look at it
}

func TestAPoolHasTheLimitsItWasGiven(t *testing.T) {
	t.Parallel()
	pool, err := pg.Open(t.Context(), testkit.PostgresURL(t), pg.Options{MaxConns: 3, Name: "ledger"})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()

	got := map[string]string{"max": fmt.Sprint(pool.Config().MaxConns)}
	for _, setting := range []string{
		"application_name", "idle_in_transaction_session_timeout", "jit", "max_parallel_workers_per_gather",
		"tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout",
	} {
		var value string
		if err := pool.QueryRow(t.Context(), "select current_setting($1)", setting).Scan(&value); err != nil {
			t.Fatal(err)
		}
		got[setting] = value
	}
	want := map[string]string{
		"max": "3", "application_name": "songan-ledger", "idle_in_transaction_session_timeout": "1min", "jit": "off",
		"max_parallel_workers_per_gather": "0",
		"tcp_keepalives_idle":             "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "5", "tcp_user_timeout": "15000",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatTheURLSaysGoesBeforeOurDefaults(t *testing.T) {
	t.Parallel()
	url := testkit.PostgresURL(t) + "&application_name=audit&connect_timeout=1"
	pool, err := pg.Open(t.Context(), url, pg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	conn := pool.Config().ConnConfig
	if conn.RuntimeParams["application_name"] != "audit" || conn.ConnectTimeout != time.Second {
		t.Errorf("application %q, connecting within %s", conn.RuntimeParams["application_name"], conn.ConnectTimeout)
	}
}

func TestAServerThatIsNotThereIsDown(t *testing.T) {
	t.Parallel()
	_, err := pg.Open(t.Context(), "postgres://nobody:s3cret@127.0.0.1:1/nothing", pg.Options{})
	if !pg.IsDown(err) {
		t.Errorf("got %v, want an error that is down", err)
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the error tells the password: %v", err)
	}
}

func TestAURLThatCannotBeReadIsNotDown(t *testing.T) {
	t.Parallel()
	_, err := pg.Open(t.Context(), "postgres://user:s3cret@host:port/x", pg.Options{})
	if err == nil || pg.IsDown(err) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v, want an error that is not down and does not tell the password", err)
	}
}

func TestAConnectionKilledInMidQueryIsDown(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	pid := conn.Conn().PgConn().PID()

	answer := make(chan error, 1)
	go func() {
		_, err := conn.Exec(t.Context(), "select pg_sleep(60)")
		answer <- err
	}()
	testkit.Eventually(t, func() error {
		var killed bool
		return pool.QueryRow(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
			where pid = $1 and state = 'active' and query like '%pg_sleep%'`, pid).Scan(&killed)
	})
	err = <-answer
	if !pg.IsDown(err) {
		t.Errorf("got %v, want an error that is down", err)
	}
	if _, err = conn.Exec(t.Context(), "select 1"); !pg.IsDown(err) {
		t.Errorf("got %v from the dead connection, want an error that is down", err)
	}
}

func TestOurOwnImpatienceIsNotDown(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	if err := pool.Ping(t.Context()); err != nil { // a deadline that ends while it connects is another story
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := pool.Exec(ctx, "select pg_sleep(60)"); err == nil || pg.IsDown(err) {
		t.Errorf("got %v after a deadline, want an error that is not down", err)
	}
	if _, err := pool.Exec(ctx, "select 1"); err == nil || pg.IsDown(err) {
		t.Errorf("got %v with an expired context, want an error that is not down", err)
	}
}

func TestErrorsAreToldApart(t *testing.T) {
	t.Parallel()
	type verdict struct{ Down, Duplicate bool }
	for _, c := range []struct {
		err  error
		want verdict
	}{
		{nil, verdict{}},
		{pgx.ErrNoRows, verdict{}},
		{context.Canceled, verdict{}},
		{&pgconn.PgError{Code: "23505"}, verdict{Duplicate: true}},
		{&pgconn.PgError{Code: "22P05"}, verdict{}},
		{&pgconn.PgError{Code: "40001"}, verdict{}},
		{&pgconn.PgError{Code: "57014"}, verdict{}}, // query cancelled
		{&pgconn.PgError{Code: "57P01"}, verdict{Down: true}},
		{&pgconn.PgError{Code: "57P03"}, verdict{Down: true}},
		{&pgconn.PgError{Code: "57P05"}, verdict{Down: true}},
		{&pgconn.PgError{Code: "53100"}, verdict{Down: true}}, // the disk is full
		{&pgconn.PgError{Code: "53200"}, verdict{Down: true}}, // out of memory
		{&pgconn.PgError{Code: "53300"}, verdict{Down: true}},
		{&pgconn.PgError{Code: "08006"}, verdict{Down: true}},
		{&pgconn.PgError{Code: "25006"}, verdict{Down: true}},
		{fmt.Errorf("load: %w", pgconn.ErrConnClosed), verdict{Down: true}},
		{&net.OpError{Op: "read", Err: errors.New("no route to host")}, verdict{Down: true}},
		{&net.OpError{Op: "read", Err: context.Canceled}, verdict{}},
	} {
		if got := (verdict{pg.IsDown(c.err), pg.IsDuplicate(c.err)}); got != c.want {
			t.Errorf("%v: got %+v, want %+v", c.err, got, c.want)
		}
	}
}

func TestThePoolTellsItsFigures(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	pool, err := pg.Open(t.Context(), testkit.PostgresURL(t), pg.Options{MaxConns: 2, Name: "log", Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			got[family.GetName()+" "+strings.Join(labels, " ")] = m.GetGauge().GetValue()
		}
	}
	want := map[string]float64{
		"pg_pool_connections log busy": 0, "pg_pool_connections log idle": 1, "pg_pool_connections log opening": 0,
		"pg_pool_connections_max log": 2, "pg_pool_wait_seconds_total log": 0, "pg_pool_waits_total log": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := pg.Open(t.Context(), testkit.PostgresURL(t), pg.Options{Name: "log", Registerer: registry}); err == nil {
		t.Error("a second pool of the same name was registered")
	}
}

func TestASpanNeverHoldsAnArgument(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	provider := trace.NewTracerProvider(trace.WithSyncer(spans))
	pool, err := pg.Open(t.Context(), testkit.PostgresURL(t), pg.Options{Tracer: provider})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	ctx, request := provider.Tracer("test").Start(t.Context(), "request")
	if _, err := pool.Exec(ctx, "select $1::text", "Nguyễn Văn Kín"); err != nil {
		t.Fatal(err)
	}
	request.End()
	recorded := fmt.Sprintf("%+v", spans.GetSpans())
	if !strings.Contains(recorded, "select $1::text") {
		t.Error("the statement made no span")
	}
	if strings.Contains(recorded, "Nguyễn") {
		t.Error("the span holds the argument")
	}
}

func TestClosingAPoolLeavesNothingRunning(t *testing.T) {
	url := testkit.PostgresURL(t)
	before := goleak.IgnoreCurrent()
	pool, err := pg.Open(t.Context(), url, pg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pool.Close()
	goleak.VerifyNone(t, before)
}

// sorted collects one text column.
func sorted(t *testing.T, rows pgx.Rows, err error) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}
