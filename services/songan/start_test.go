package songan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/simulators/people"
)

// What a start says is true: every address in its table answers, every actor is in the demo's file, what is to be done next
// can be done. Keys stand in files for the owner's eyes, and not in the table.
func TestAStartEndsWithATableThatIsTrue(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	t.Parallel()
	m := newMachine(t)
	m.start(t)
	table := m.table(t)

	addresses := regexp.MustCompile(`http://\S+`).FindAllString(table, -1)
	if len(addresses) != 7 { // API, its documentation, health, metrics, two of the population database, sign-in
		t.Errorf("there are %d addresses in\n%s", len(addresses), table)
	}
	for _, address := range addresses {
		path, actor := "", ""
		switch {
		case strings.HasSuffix(address, "/metrics"):
			actor = "admin"
		case strings.HasSuffix(address, "/accommodation/v1"):
			path, actor = "/facilities", "police"
		case regexp.MustCompile(`:\d+$`).MatchString(address):
			path = "/healthz"
		}
		if got := m.look(t, address+path, actor); got != http.StatusOK {
			t.Errorf("%s answers %d", address+path, got)
		}
	}
	type line struct{ Actor, Role, Name string }
	_, rows, _ := strings.Cut(table, "\n  actor ")
	rows, next, _ := strings.Cut(rows, "\n\n")
	var told, known []line
	for _, row := range regexp.MustCompile(`(?m)^  (\S+) +(\S+) +(.+)$`).FindAllStringSubmatch(rows, -1) {
		told = append(told, line{row[1], row[2], row[3]})
		known = append(known, line{row[1], m.demo.Actors[row[1]].Role, m.demo.Actors[row[1]].Name})
	}
	if diff := cmp.Diff(known, told); diff != "" || len(told) < 10 {
		t.Errorf("actors (-demo.json +table):\n%s", diff)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	target := regexp.MustCompile(`next +make (\S+) `).FindStringSubmatch(next)
	if target == nil || !bytes.Contains(makefile, []byte("\n"+target[1]+":")) || !strings.Contains(next, "Ctrl-C") {
		t.Errorf("what comes next: %s", next)
	}
	if !strings.Contains(table, m.demo.Kafka) || !strings.Contains(table, m.demoFile()) {
		t.Errorf("the broker or the demo's file are missing:\n%s", table)
	}
	for name, actor := range m.demo.Actors {
		if strings.Contains(table, actor.Token) {
			t.Errorf("the token of %s stands in the table", name)
		}
	}
	for _, file := range []string{"demo.json", "tokens.json"} {
		info, err := os.Stat(filepath.Join(m.dir, "data", file))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", file, info, err)
		}
	}
	m.stop(t)
}

// table is what a start writes for the person who started.
func (m *machine) table(t *testing.T) (table string) {
	t.Helper()
	testkit.Eventually(t, func() error {
		said := string(m.log.all())
		_, after, begun := strings.Cut(said, "\nSong An is ready after ")
		end := regexp.MustCompile(`(?m)^  stop .*$`).FindStringIndex(after)
		if !begun || end == nil {
			return fmt.Errorf("no table yet")
		}
		table = after[:end[1]]
		return nil
	})
	return table
}

// look asks an address, as an actor unless there is none, and returns the status.
func (m *machine) look(t *testing.T, address, actor string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if actor != "" {
		request.Header.Set("Authorization", "Bearer "+m.demo.Actors[actor].Token)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Error(err)
		return 0
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
	return response.StatusCode
}

// With DATABASE_URL the whole system keeps everything on a server of somebody else's, goes on there after kill -9, and leaves
// the server running.
func TestTheWholeSystemUsesAServerOfSomebodyElses(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	t.Parallel()
	server := testkit.DurablePostgres(t, map[string]string{"max_connections": "300"})
	m := newMachine(t)
	m.env = append(m.env, "DATABASE_URL="+server.URL("postgres"))
	m.start(t)
	if m.demo.Postgres != server.URL("postgres") {
		t.Errorf("demo.json names another server")
	}
	register, err := people.New(people.Options{Seed: 6})
	if err != nil {
		t.Fatal(err)
	}
	notify := func(n uint64) (id string) {
		t.Helper()
		status, answer, err := m.call(t.Context(), http.MethodPost, "/accommodation/v1/notices", "hotel", fmt.Sprint("foreign-", n), map[string]any{
			"guest": register.At(n), "arrived_at": time.Now().Format(time.RFC3339), "reason": "tourism",
		})
		var notice struct{ ID string }
		if err != nil || status != http.StatusCreated || json.Unmarshal(answer, &notice) != nil {
			t.Fatalf("a notice: %d %s %v", status, answer, err)
		}
		return notice.ID
	}
	want := []string{notify(1)}
	m.kill(t)
	m.start(t)
	want = append(want, notify(2))
	waitForChecks(t, m, len(want))
	m.audit(t)
	m.stop(t)

	if _, err := os.Stat(filepath.Join(m.dir, "data", "postgres")); !os.IsNotExist(err) {
		t.Errorf("there is an embedded server, too: %v", err)
	}
	if diff := cmp.Diff(want, query[string](t, m, "accommodation",
		`select data->>'notice' from events where type = 'accommodation.stay_notified.v1' order by position`)); diff != "" {
		t.Errorf("notices on the server that was left running (-accepted +log):\n%s", diff)
	}
	conn, err := pgx.Connect(t.Context(), server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	var databases []string
	if err := conn.QueryRow(t.Context(), `select array_agg(datname::text order by datname) from pg_database
 where datname in ('accommodation', 'accounts', 'identity', 'bankgateway', 'disbursement')`).Scan(&databases); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"accommodation", "accounts", "bankgateway", "disbursement", "identity"}, databases); diff != "" {
		t.Error(diff)
	}
}
