package testkit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/testkit"
)

func TestEachTestHasASchemaOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"one", "other"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			pool := testkit.Postgres(t)
			if _, err := pool.Exec(t.Context(), "create table guests (name text)"); err != nil {
				t.Fatal(err)
			}
			if _, err := pool.Exec(t.Context(), "insert into guests values ($1)", who); err != nil {
				t.Fatal(err)
			}
			rows, err := pool.Query(t.Context(), "select name from guests")
			if err != nil {
				t.Fatal(err)
			}
			names, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if diff := cmp.Diff([]string{who}, names); err != nil || diff != "" {
				t.Errorf("error %v, difference (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestASchemaIsGoneWhenItsTestEnds(t *testing.T) { //nolint:tparallel // the inner test has to end first
	t.Parallel()
	var schema string
	t.Run("with a schema", func(t *testing.T) {
		pool := testkit.Postgres(t)
		if err := pool.QueryRow(t.Context(), "select current_schema").Scan(&schema); err != nil {
			t.Fatal(err)
		}
	})
	if !strings.HasPrefix(schema, "t_testaschemaisgonewhenitstestends_") {
		t.Errorf("the schema is called %q, which doesn't tell whose it was", schema)
	}
	var there bool
	err := testkit.Postgres(t).QueryRow(t.Context(),
		"select exists (select from information_schema.schemata where schema_name = $1)", schema).Scan(&there)
	if err != nil || there {
		t.Errorf("schema %s is there: %v, %v", schema, there, err)
	}
}

func TestAURLLeadsAnyClientIntoTheSchema(t *testing.T) {
	t.Parallel()
	url := testkit.PostgresURL(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var path, fsync string
	if err := conn.QueryRow(t.Context(), "select current_setting('search_path'), current_setting('fsync')").Scan(&path, &fsync); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(path, "t_testaurl") || !strings.HasSuffix(path, ",public") {
		t.Errorf("search_path is %q, want the test's schema and public", path)
	}
	if strings.Contains(url, "+") {
		t.Error("the URL has a + in it, which libpq doesn't read as a space")
	}
}

func TestADurableServerKeepsWhatIsCommittedThroughKill9(t *testing.T) {
	t.Parallel()
	pg := testkit.DurablePostgres(t, map[string]string{"work_mem": "7MB"})
	settings := ask(t, pg, `select concat_ws(' ', current_setting('fsync'), current_setting('synchronous_commit'),
		current_setting('full_page_writes'), current_setting('data_checksums'), current_setting('work_mem'))`)
	if want := "on on on on 7MB"; settings != want {
		t.Errorf("the settings are %q, want %q", settings, want)
	}
	ask(t, pg, "create table kept (n int)")
	for n := range 3 {
		ask(t, pg, "insert into kept values (1)")
		pg.Kill()
		pg.Start(t)
		if got, want := ask(t, pg, "select count(*)::text from kept"), fmt.Sprint(n+1); got != want {
			t.Errorf("after kill %d there are %s rows, want %s", n+1, got, want)
		}
	}
}

// ask opens a connection for one statement and returns its first value.
func ask(t *testing.T, pg *testkit.OwnPostgres, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pg.URL("songan"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(values, " ")
}
