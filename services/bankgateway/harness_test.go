package bankgateway_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/bankgateway"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

const (
	icb  = "ICBVVNVX"
	bidv = "BIDVVNVX"
)

// gate is the gateway as its neighbours see it: two services whose facts it reacts to, the people it asks for, and banks.
type gate struct {
	config   service.Config
	settings bankgateway.Config
	pool     *pgxpool.Pool
	url      string
	client   *http.Client
	tokens   map[string]string
	stop     func()
	log      lines

	accounts, disbursement *foundation.Foundation
	people                 *people
	banks                  map[string]*fakeBank
}

// open starts everything.
func open(t testing.TB) *gate {
	t.Helper()
	broker := testkit.Kafka(t)
	config, err := service.LoadFrom[service.Config](map[string]string{})
	if err != nil {
		t.Fatal(err)
	}
	config.Data, config.DatabaseURL = t.TempDir(), testkit.PostgresURL(t)
	config.Brokers, config.KafkaUser, config.KafkaPassword = broker.Addrs, broker.User, broker.Password
	config.Topics, config.LogLevel = strings.ToLower(filepath.Base(t.TempDir()))+fmt.Sprint(time.Now().UnixNano()), "error"
	g := &gate{config: config, people: newPeople(t), tokens: map[string]string{}, banks: map[string]*fakeBank{}}
	g.settings = bankgateway.Config{
		Banks: []string{icb, bidv}, BankGrants: true, AccountsURL: g.people.url, AccountsToken: "secret", InFlight: 64,
		BankPasswords: map[string]string{icb: rand.Text(), bidv: rand.Text()},
	}
	if g.pool, err = pgxpool.New(t.Context(), config.DatabaseURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.pool.Close)
	g.accounts = g.neighbour(t, "accounts", accounts.Catalog())
	g.disbursement = g.neighbour(t, "disbursement", disbursement.Catalog())
	g.start(t)
	for _, b := range g.settings.Banks {
		g.banks[b] = newBank(t, g, b)
	}
	return g
}

// neighbour is the log and the relay of another service, which is all that the gateway sees of it.
func (g *gate) neighbour(t testing.TB, name string, facts []events.Event) *foundation.Foundation {
	t.Helper()
	config := g.config
	config.DatabaseURL = testkit.PostgresURL(t)
	deps := dependencies(t, config)
	f, err := foundation.Open(t.Context(), deps.For(name), foundation.Options{Service: name, Own: events.NewCatalog(facts), Others: events.NewCatalog()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(run(t, f.Runners(), f.Close))
	return f
}

func dependencies(t testing.TB, config service.Config) service.Deps {
	t.Helper()
	deps, closeDeps, err := service.NewDeps(t.Context(), "test", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = closeDeps(context.Background()) })
	return deps
}

// run runs runners until the returned function is called, which may be done twice.
func run(t testing.TB, runners []service.Runner, closeAll func()) func() {
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	for _, r := range runners {
		running.Go(func() {
			if err := r.Run(ctx); err != nil {
				t.Errorf("runner %s: %v", r.Name, err)
			}
		})
	}
	return sync.OnceFunc(func() { stop(); running.Wait(); closeAll() })
}

// start runs the gateway until g.stop or the end of the test.
func (g *gate) start(t testing.TB) {
	t.Helper()
	deps := dependencies(t, g.config)
	var err error
	ring := access.StaticKeyring{}
	for name, p := range map[string]access.Principal{
		"admin": {Role: access.Admin}, "hotel": {Role: access.Facility, Facility: "f"},
		"treasurer": {Role: access.Treasurer, Unit: "01"}, "far-treasurer": {Role: access.Treasurer, Unit: "79"},
		"auditor": {Role: access.Auditor}, "accounts": {Role: access.Service}, "commune-auditor": {Role: access.Auditor, Unit: "00004"}, "next-auditor": {Role: access.Auditor, Unit: "00008"},
		icb: {Role: access.Bank, Bank: icb}, bidv: {Role: access.Bank, Bank: bidv},
	} {
		p.ID = name
		token, key := access.Generate(p)
		g.tokens[name], ring[key.ID] = token, key
	}
	deps.Keys = append(deps.Keys, ring)
	if deps.Log, err = telemetry.Logger("debug", "json", &g.log); err != nil {
		t.Fatal(err)
	}
	var s service.Service
	s, err = bankgateway.NewWith(t.Context(), deps.For(bankgateway.Name), g.settings)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler)
	g.url, g.client = server.URL, server.Client()
	g.stop = run(t, s.Runners, func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(g.stop)
	testkit.Eventually(t, 30*time.Second, func() error { return s.Ready(t.Context()) })
}

// lines are what the gateway logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// Sync has nothing to do.
func (l *lines) Sync() error { return nil }

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

type object = map[string]any

// call sends a request as an actor.
func (g *gate) call(t testing.TB, method, actor, path string, body any) (int, object) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, g.url+"/bankgateway/v1"+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+g.tokens[actor])
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", fmt.Sprint(time.Now().UnixNano()))
	response, err := g.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer object
	_ = json.Unmarshal(text, &answer) // an answer that is no JSON is seen by its fields missing
	return response.StatusCode, answer
}

// bank is the row of one bank in the operators' list.
func (g *gate) bank(t testing.TB, bic string) object {
	t.Helper()
	_, list := g.call(t, http.MethodGet, "treasurer", "/banks", nil)
	items, _ := list["items"].([]any)
	for _, item := range items {
		if b, ok := item.(object); ok && b["bank"] == bic {
			return b
		}
	}
	return nil
}

// quarantined are "consumer type error" of what waits for operators.
func (g *gate) quarantined(t testing.TB) []string {
	t.Helper()
	_, list := g.call(t, http.MethodGet, "admin", "/quarantine", nil)
	items, _ := list["items"].([]any)
	var lines []string
	for _, item := range items {
		i, _ := item.(object)
		lines = append(lines, fmt.Sprint(i["consumer"], " ", i["type"], " ", i["error_code"]))
	}
	return lines
}

// says publishes facts of a neighbour.
func says(t testing.TB, f *foundation.Foundation, stream string, facts ...events.Event) {
	t.Helper()
	history, err := f.Log.Load(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Log.Append(t.Context(), eventstore.Append{Stream: stream, Expected: len(history), Facts: facts})
	if err != nil {
		t.Fatal(err)
	}
}

// recorded are the facts of a stream of the gateway, as JSON with their types.
func (g *gate) recorded(t testing.TB, stream string) []string {
	t.Helper()
	rows, err := g.pool.Query(t.Context(), `select type || ' ' || data::text from events where stream = $1 order by version`, stream)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// types are the kinds of facts of a stream, without the service.
func (g *gate) types(t testing.TB, stream string) string {
	t.Helper()
	var kinds []string
	for _, line := range g.recorded(t, stream) {
		name, _, _ := strings.Cut(line, " ")
		kinds = append(kinds, strings.TrimSuffix(strings.TrimPrefix(name, "bankgateway."), ".v1"))
	}
	return strings.Join(kinds, " ")
}

// become waits until a stream has these kinds of facts.
func (g *gate) become(t testing.TB, stream, want string) {
	t.Helper()
	testkit.Eventually(t, 30*time.Second, func() error {
		if got := g.types(t, stream); got != want {
			return fmt.Errorf("%s: %q instead of %q; quarantine %v", stream, got, want, g.quarantined(t))
		}
		return nil
	})
}
