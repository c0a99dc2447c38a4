package bankgateway_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/pace"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/service/servicetest"
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
	*servicetest.Service

	settings bankgateway.Config
	policy   *policy.Policy // in the place of the program's own; nil leaves it
	pace     *pace.Pace
	stop     func()
	log      lines

	accounts, disbursement *foundation.Foundation
	people                 *people
	banks                  map[string]*fakeBank
}

// open starts everything.
func open(t testing.TB) *gate {
	t.Helper()
	g := &gate{
		Service: servicetest.Prepare(t, servicetest.Options{Name: bankgateway.Name, At: time.Now(), Staff: staff()}),
		people:  newPeople(t), banks: map[string]*fakeBank{},
	}
	g.settings = bankgateway.Config{
		Banks: []string{icb, bidv}, BankGrants: true, AccountsURL: g.people.url, AccountsToken: "secret", InFlight: 64, Retention: 90 * 24 * time.Hour,
		BankPasswords: map[string]string{icb: rand.Text(), bidv: rand.Text()},
	}
	g.accounts = g.Neighbour(t, "accounts", accounts.Catalog())
	g.disbursement = g.Neighbour(t, "disbursement", disbursement.Catalog())
	g.start(t)
	for _, b := range g.settings.Banks {
		g.banks[b] = newBank(t, g, b)
	}
	return g
}

// staff are the people and banks with keys, each known by their name.
func staff() map[string]access.Principal {
	all := map[string]access.Principal{
		"admin": {Role: access.Admin}, "hotel": {Role: access.Facility, Facility: "f"},
		"treasurer": {Role: access.Treasurer, Unit: "01"}, "far-treasurer": {Role: access.Treasurer, Unit: "79"},
		"auditor": {Role: access.Auditor}, "accounts": {Role: access.Service}, "commune-auditor": {Role: access.Auditor, Unit: "00004"}, "next-auditor": {Role: access.Auditor, Unit: "00008"},
		icb: {Role: access.Bank, Bank: icb}, bidv: {Role: access.Bank, Bank: bidv},
	}
	for name, p := range all {
		p.ID = name
		all[name] = p
	}
	return all
}

// start runs the gateway until g.stop or the end of the test. Time goes on, and what it logs is kept.
func (g *gate) start(t testing.TB) {
	t.Helper()
	g.stop = g.Start(t, func(ctx context.Context, deps service.Deps) (service.Service, error) {
		log, err := telemetry.Logger("debug", "json", &g.log)
		if err != nil {
			return service.Service{}, err
		}
		g.pace = pace.New(time.Now, nil)
		deps.Log, deps.Now, deps.API.Now, deps.API.Pace = log, time.Now, time.Now, g.pace
		if g.policy != nil {
			deps.API.Policy = g.policy
		}
		return bankgateway.NewWith(ctx, deps.For(bankgateway.Name), g.settings)
	})
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
	answer := g.Send(t, servicetest.Request{Method: method, Actor: actor, Path: path, Body: data, Header: http.Header{
		"Content-Type": {"application/json"}, "Idempotency-Key": {fmt.Sprint(time.Now().UnixNano())},
	}})
	var fields object
	_ = json.Unmarshal(answer.Body, &fields) // an answer that is no JSON is seen by its fields missing
	return answer.Status, fields
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

// recorded are the facts of a stream of the gateway, as JSON with their types.
func (g *gate) recorded(t testing.TB, stream string) []string {
	t.Helper()
	rows, err := g.Pool.Query(t.Context(), `select type || ' ' || data::text from events where stream = $1 order by version`, stream)
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
	testkit.Eventually(t, func() error {
		if got := g.types(t, stream); got != want {
			return fmt.Errorf("%s: %q instead of %q; quarantine %v", stream, got, want, g.quarantined(t))
		}
		return nil
	})
}
