package accounts_test

import (
	"bytes"
	"context"
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
	"github.com/prometheus/client_golang/prometheus"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/accounts"
)

// office is the service as a client sees it, on a database and topics of its own.
type office struct {
	url    string
	client *http.Client
	pool   *pgxpool.Pool
	clock  *testkit.Clock
	config service.Config
	tokens map[string]string
	money  *money
	// policy takes the place of the program's own; nil leaves it.
	policy *policy.Policy
}

// noon is when tests happen: a Saturday at 14:00.
var noon = time.Date(2026, 11, 21, 14, 0, 0, 0, time.FixedZone("+07", 7*3600)) //nolint:gochecknoglobals // a constant

// The banks of the tests.
const (
	vietin = "ICBVVNVX"
	bidv   = "BIDVVNVX"
)

// prepare makes a database and topics, and starts nothing.
func prepare(t *testing.T) *office {
	t.Helper()
	broker := testkit.Kafka(t)
	config, err := service.LoadFrom[service.Config](map[string]string{})
	if err != nil {
		t.Fatal(err)
	}
	config.Data, config.DatabaseURL = t.TempDir(), testkit.PostgresURL(t)
	config.Brokers, config.KafkaUser, config.KafkaPassword = broker.Addrs, broker.User, broker.Password
	config.Topics, config.LogLevel = strings.ToLower(filepath.Base(t.TempDir()))+fmt.Sprint(time.Now().UnixNano()), "error"
	o := &office{clock: testkit.NewClock(noon), tokens: map[string]string{}, config: config, money: newMoney(t)}
	o.pool, err = pgxpool.New(t.Context(), config.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.pool.Close)
	o.topics(t)
	return o
}

// topics makes those of the neighbours, so that nobody has to wait until they are noticed.
func (o *office) topics(t *testing.T) {
	t.Helper()
	bus, err := kafkabus.Connect(kafkabus.Settings{
		Brokers: o.config.Brokers, User: o.config.KafkaUser, Password: o.config.KafkaPassword, ClientID: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	for _, name := range []string{"identity", "bankgateway"} {
		if err := kafkabus.EnsureTopic(t.Context(), bus, o.config.Topics+"."+name+".v1", partitions, -1); err != nil {
			t.Fatal(err)
		}
	}
}

// partitions is what services have; see foundation.
const partitions = 6

// open starts the service.
func open(t *testing.T) *office {
	t.Helper()
	o := prepare(t)
	t.Cleanup(o.start(t))
	return o
}

// start runs the service until the function that it returns is called.
func (o *office) start(t *testing.T) (stop func()) {
	t.Helper()
	deps, closeDeps, err := service.NewDeps(t.Context(), "test", o.config)
	if err != nil {
		t.Fatal(err)
	}
	deps.Now, deps.API.Now = o.clock.Now, o.clock.Now
	deps.Keys = append(deps.Keys, o.staff())
	if o.policy != nil {
		deps.API.Policy = o.policy
	}
	s, err := accounts.NewWith(t.Context(), deps.For(accounts.Name), accounts.Config{
		DisbursementURL: o.money.url, DisbursementToken: "token", GatewayURL: o.money.url, GatewayToken: "token",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	for _, r := range s.Runners {
		running.Go(func() {
			if err := r.Run(ctx); err != nil {
				t.Errorf("runner %s: %v", r.Name, err)
			}
		})
	}
	server := httptest.NewServer(s.Handler)
	o.url, o.client = server.URL, server.Client()
	testkit.Eventually(t, 20*time.Second, func() error { return s.Ready(t.Context()) })
	return sync.OnceFunc(func() {
		server.Close()
		cancel()
		running.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		_ = closeDeps(context.Background())
	})
}

// staff are the people and programs with keys. "maker" and "maker_approves" are one person in two roles.
func (o *office) staff() access.StaticKeyring {
	ring := access.StaticKeyring{}
	for name, p := range map[string]access.Principal{
		"maker":          {ID: "lan", Role: access.LISAOfficer, Unit: "00004"},
		"maker_approves": {ID: "lan", Role: access.Approver, Unit: "00004", SecondFactor: true},
		"colleague":      {ID: "mai", Role: access.LISAOfficer, Unit: "00004"},
		"chairman":       {ID: "hung", Role: access.Approver, Unit: "00004", SecondFactor: true},
		"accountant":     {ID: "thu", Role: access.Accountant, Unit: "00004"},
		"province":       {ID: "dung", Role: access.LISAOfficer, Unit: "01"},
		"stranger":       {ID: "minh", Role: access.LISAOfficer, Unit: "00008"},
		"far_chairman":   {ID: "son", Role: access.Approver, Unit: "79", SecondFactor: true},
		"steering":       {ID: "tinh", Role: access.Steering, Unit: "01"},
		"auditor":        {ID: "audit", Role: access.Auditor},
		"admin":          {ID: "root", Role: access.Admin},
		"gateway":        {ID: "bankgateway", Role: access.Service},
	} {
		token, key := access.Generate(p)
		o.tokens[name] = token
		ring[key.ID] = key
	}
	return ring
}

// neighbour is another service, of which there is a log and a relay.
type neighbour struct {
	*foundation.Foundation
	said int
}

// neighbour opens the log of another service, whose facts the office hears over Kafka.
func (o *office) neighbour(t *testing.T, name string, catalog []events.Event) *neighbour {
	t.Helper()
	config := o.config
	config.Data, config.DatabaseURL = t.TempDir(), testkit.PostgresURL(t)
	deps, closeDeps, err := service.NewDeps(t.Context(), "test", config)
	if err != nil {
		t.Fatal(err)
	}
	deps.Now, deps.Metrics = o.clock.Now, prometheus.NewRegistry()
	base, err := foundation.Open(t.Context(), deps.For(name), foundation.Options{
		Service: name, Own: events.NewCatalog(catalog), Others: events.NewCatalog(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	for _, r := range base.Runners() {
		running.Go(func() {
			if err := r.Run(ctx); err != nil {
				t.Errorf("runner %s of %s: %v", r.Name, name, err)
			}
		})
	}
	t.Cleanup(func() {
		stop()
		running.Wait()
		base.Close()
		_ = closeDeps(context.Background())
	})
	return &neighbour{Foundation: base}
}

// say records a fact in the neighbour's log, each in a stream of its own.
func (n *neighbour) say(t *testing.T, e events.Event) {
	t.Helper()
	n.said++
	_, err := n.Log.Append(t.Context(), eventstore.Append{Stream: fmt.Sprint("said-", n.said), Facts: []events.Event{e}})
	if err != nil {
		t.Fatal(err)
	}
}

type object = map[string]any

// personOf is a citizen whose number agrees with the rest. Different serials are different people.
func personOf(name string, serial int) object {
	return object{
		"full_name": name, "birth_date": "1950-01-15", "sex": "male",
		"document":  object{"type": "citizen_id", "number": fmt.Sprintf("001050%06d", serial)},
		"residence": object{"text": "12 Đội Cấn", "unit": "00004"}, "phone": "+84912345678",
	}
}

func fileOf(name string, serial int) object {
	return object{"person": personOf(name, serial), "file_number": fmt.Sprintf("BTXH-%d", serial), "unit": "00004"}
}

// register registers a beneficiary as the maker and returns the id.
func (o *office) register(t *testing.T, serial int) string {
	t.Helper()
	made := o.post(t, "maker", "/beneficiaries", fmt.Sprint("register-", serial), fileOf("Nguyễn Văn An", serial))
	made.want(t, http.StatusCreated)
	return made.text(t, "id")
}

// issue drafts, submits and approves a batch, and waits until its accounts were requested.
func (o *office) issue(t *testing.T, key, bank string, members ...string) string {
	t.Helper()
	body := object{"unit": "00004", "bank": bank}
	if len(members) > 0 {
		body["beneficiaries"] = members
	}
	made := o.post(t, "maker", "/issuances", key, body)
	made.want(t, http.StatusCreated)
	id := made.text(t, "id")
	o.approve(t, key, id)
	return id
}

// approve brings a draft to its requests.
func (o *office) approve(t *testing.T, key, id string) {
	t.Helper()
	o.post(t, "maker", "/issuances/"+id+"/submission", key+"-s", object{}).want(t, http.StatusOK)
	o.post(t, "chairman", "/issuances/"+id+"/approval", key+"-a", object{}).want(t, http.StatusOK)
	testkit.Eventually(t, 20*time.Second, func() error {
		if got := o.get(t, "maker", "/issuances/"+id, "").text(t, "status"); got != "requested" {
			return fmt.Errorf("issuance %s is %s", id, got)
		}
		return nil
	})
}

// status waits until a beneficiary's latest account has a status.
func (o *office) status(t *testing.T, id, want string) {
	t.Helper()
	testkit.Eventually(t, 20*time.Second, func() error {
		var b beneficiaryView
		o.get(t, "maker", "/beneficiaries/"+id, "").into(t, &b)
		if b.Account == nil || b.Account.Status != want {
			return fmt.Errorf("the account is %+v, want %s", b.Account, want)
		}
		return nil
	})
}

type accountView struct {
	ID, Bank, Status, Reason, Issuance string
	HolderMatch                        string `json:"holder_match"`
}

type personView struct {
	FullName string `json:"full_name"`
}

type beneficiaryView struct {
	ID, Unit, Identity     string
	DiedOn                 string `json:"died_on"`
	MayHold                bool   `json:"may_hold"`
	Account                *accountView
	Accounts               []accountView
	Person, Representative *personView
	Warnings               []struct{ Code string }
	Erased, Unreadable     bool
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (o *office) post(t *testing.T, actor, path, key string, body any) answer {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return o.send(t, http.MethodPost, actor, path, http.Header{"Idempotency-Key": {key}, "Content-Type": {"application/json"}}, data)
}

func (o *office) get(t *testing.T, actor, path, after string) answer {
	t.Helper()
	return o.send(t, http.MethodGet, actor, path, http.Header{"Songan-After": {after}}, nil)
}

func (o *office) send(t *testing.T, method, actor, path string, header http.Header, body []byte) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, o.url+"/accounts/v1"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		if values[0] != "" {
			request.Header.Set(name, values[0])
		}
	}
	if actor != "" {
		request.Header.Set("Authorization", "Bearer "+o.tokens[actor])
	}
	response, err := o.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, data}
}

func (a answer) want(t *testing.T, status int) {
	t.Helper()
	if a.status != status {
		t.Fatalf("answered %d, want %d: %s", a.status, status, a.body)
	}
}

// refused wants a problem with this code.
func (a answer) refused(t *testing.T, status int, code string) {
	t.Helper()
	a.want(t, status)
	if got := a.text(t, "code"); got != code {
		t.Fatalf("code %s, want %s: %s", got, code, a.body)
	}
}

func (a answer) into(t *testing.T, target any) {
	t.Helper()
	if err := json.Unmarshal(a.body, target); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
}

func (a answer) text(t *testing.T, field string) string {
	t.Helper()
	var all object
	a.into(t, &all)
	text, _ := all[field].(string)
	return text
}

func (a answer) position() string { return a.header.Get("Songan-Position") }

// faults are "pointer code" of a problem document.
func (a answer) faults(t *testing.T) []string {
	t.Helper()
	var p struct {
		Errors []struct{ Pointer, Code string }
	}
	a.into(t, &p)
	var lines []string
	for _, e := range p.Errors {
		lines = append(lines, e.Pointer+" "+e.Code)
	}
	return lines
}
