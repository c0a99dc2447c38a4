package disbursement_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/disbursement"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

// noon is when tests happen: a Saturday at 12:00, so that lists of November and December can be drafted.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.FixedZone("+07", 7*3600)) //nolint:gochecknoglobals // a constant

// unit and other are two communes of Hà Nội.
var (
	unit  = events.Unit{Code: "00004", ValidFrom: "2025-07-01"} //nolint:gochecknoglobals // a constant
	other = events.Unit{Code: "00008", ValidFrom: "2025-07-01"} //nolint:gochecknoglobals // a constant
)

// office is the service as its officers see it, on a database and topics of its own, with an accounts service of which
// only the facts and the answers are there.
type office struct {
	url    string
	client *http.Client
	pool   *pgxpool.Pool
	clock  *testkit.Clock
	config service.Config
	tokens map[string]string
	people *people
	// apart is for an operator with two treasurers.
	apart bool
	stop  func()
}

// open starts everything.
func open(t testing.TB) *office {
	t.Helper()
	broker := testkit.Kafka(t)
	config, err := service.LoadFrom[service.Config](map[string]string{})
	if err != nil {
		t.Fatal(err)
	}
	config.Data, config.DatabaseURL = t.TempDir(), testkit.PostgresURL(t)
	config.Brokers, config.KafkaUser, config.KafkaPassword = broker.Addrs, broker.User, broker.Password
	config.Topics, config.LogLevel = fmt.Sprintf("money%d", time.Now().UnixNano()), "warn"
	o := &office{clock: testkit.NewClock(noon), tokens: map[string]string{}, config: config, people: newPeople(t, config)}
	o.pool, err = pgxpool.New(t.Context(), config.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.pool.Close)
	o.start(t)
	t.Cleanup(func() { o.stop() })
	return o
}

// start runs the service until stop is called.
func (o *office) start(t testing.TB) {
	t.Helper()
	deps, closeDeps, err := service.NewDeps(t.Context(), "test", o.config)
	if err != nil {
		t.Fatal(err)
	}
	deps.Now, deps.API.Now = o.clock.Now, o.clock.Now
	deps.Keys = append(deps.Keys, o.staff())
	s, err := disbursement.NewWith(t.Context(), deps.For(disbursement.Name), disbursement.Config{
		AccountsURL: o.people.url, AccountsToken: "token", LookBack: 12, Silence: 15 * time.Minute, TwoTreasurers: o.apart,
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
	o.stop = sync.OnceFunc(func() {
		server.Close()
		cancel()
		running.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		_ = closeDeps(context.Background())
	})
	testkit.Eventually(t, 20*time.Second, func() error { return s.Ready(t.Context()) })
}

// staff are the officers of the commune and of the province, and others with keys of their own.
func (o *office) staff() access.StaticKeyring {
	ring := access.StaticKeyring{}
	for name, p := range map[string]access.Principal{
		"lisa":          {ID: "lisa", Role: access.LISAOfficer, Unit: "00004"},
		"accountant":    {ID: "an", Role: access.Accountant, Unit: "00004"},
		"approver":      {ID: "chi", Role: access.Approver, Unit: "00004", SecondFactor: true},
		"treasurer":     {ID: "tam", Role: access.Treasurer, Unit: "00004", SecondFactor: true},
		"cashier":       {ID: "thu", Role: access.Treasurer, Unit: "00004", SecondFactor: true},
		"lisa-2":        {ID: "an", Role: access.LISAOfficer, Unit: "00004"}, // the accountant's second key
		"stranger":      {ID: "sang", Role: access.LISAOfficer, Unit: "00008"},
		"nowhere":       {ID: "nam", Role: access.LISAOfficer},
		"province-lisa": {ID: "plisa", Role: access.LISAOfficer, Unit: "01"}, "province-accountant": {ID: "pan", Role: access.Accountant, Unit: "01"},
		"province-approver": {ID: "pchi", Role: access.Approver, Unit: "01", SecondFactor: true}, "province-treasurer": {ID: "ptam", Role: access.Treasurer, Unit: "01", SecondFactor: true},
		"admin": {ID: "root", Role: access.Admin}, "auditor": {ID: "aud", Role: access.Auditor}, "accounts": {ID: "accounts", Role: access.Service},
	} {
		token, key := access.Generate(p)
		o.tokens[name] = token
		ring[key.ID] = key
	}
	return ring
}

// someone registers a person of 70 with an account, or without when the bank is empty.
func (o *office) someone(t testing.TB, id string, in events.Unit, bank string) {
	t.Helper()
	o.people.know(profile{Beneficiary: id, Unit: in, Mark: "m" + id, BirthDate: "1956-03-10"})
	facts := []events.Event{
		accounts.BeneficiaryRegistered{Beneficiary: id, Unit: in, FileNumber: "F/" + id, Person: "p" + id, Mark: "m" + id},
		accounts.BeneficiaryIdentified{Beneficiary: id, Person: "p" + id, Result: "matched"},
	}
	if bank != "" {
		facts = append(facts, accountOf(id, bank, 1, "k"+id)...)
	}
	o.people.tell(t, id, facts...)
}

// accountOf are the facts of an account that a bank opened.
func accountOf(id, bank string, ordinal int, mark string) []events.Event {
	account := fmt.Sprintf("%s-%d", id, ordinal)
	return []events.Event{
		accounts.AccountRequested{Account: account, Beneficiary: id, Bank: bank, Person: "p" + id, Holder: "p" + id},
		accounts.AccountOpened{
			Account: account, Beneficiary: id, Bank: bank, Number: "n" + account, Mark: mark, Holder: "p" + id, HolderMatch: "match",
		},
	}
}

type object = map[string]any

// decision is an enrolment as an officer posts it.
func decision(beneficiary, programme, category, signed string) object {
	return object{
		"beneficiary": beneficiary, "programme": programme, "category": category,
		"decision": object{"number": "12/QĐ-UBND", "signed_on": signed},
	}
}

// enrol grants somebody a programme and returns the id.
func (o *office) enrol(t testing.TB, actor string, body object) string {
	t.Helper()
	made := o.post(t, actor, "/enrolments", fmt.Sprint("enrol-", body["beneficiary"], body["category"]), body)
	made.want(t, http.StatusCreated)
	return made.text(t, "id")
}

// seen waits until the facts of accounts are in the read model.
func (o *office) seen(t testing.TB, condition string) {
	t.Helper()
	testkit.Eventually(t, 20*time.Second, func() error {
		var ok bool
		if err := o.pool.QueryRow(t.Context(), `select count(*) >= $1 and coalesce(bool_and(`+condition+`), false) from beneficiaries`, o.people.count()).Scan(&ok); err != nil || !ok {
			return fmt.Errorf("not seen: %s (%w)", condition, err)
		}
		return nil
	})
}

// draft drafts a list and waits until it is computed.
func (o *office) draft(t testing.TB, actor, code, programme, month string) answer {
	t.Helper()
	made := o.post(t, actor, "/payrolls", fmt.Sprint("draft-", code, programme, month, actor, time.Now().UnixNano()), object{"unit": code, "programme": programme, "month": month})
	made.want(t, http.StatusCreated)
	return o.computed(t, actor, made.text(t, "id"))
}

func (o *office) computed(t testing.TB, actor, id string) (list answer) {
	t.Helper()
	testkit.Eventually(t, 60*time.Second, func() error {
		if list = o.get(t, actor, "/payrolls/"+id, ""); list.status != http.StatusOK || list.text(t, "hash") == "" {
			return fmt.Errorf("answered %d: %s", list.status, list.body)
		}
		return nil
	})
	return list
}

// step takes a list one step further.
func (o *office) step(t testing.TB, actor, id, step string, body any) answer {
	t.Helper()
	return o.post(t, actor, "/payrolls/"+id+"/"+step, fmt.Sprint(step, "-", id, "-", actor, time.Now().UnixNano()), body)
}

// approved takes a drafted list to its approval, and funds it.
func (o *office) approved(t testing.TB, id, prefix string) {
	t.Helper()
	for _, s := range []struct{ actor, step string }{{"lisa", "submission"}, {"accountant", "check"}, {"approver", "approval"}} {
		o.step(t, prefix+s.actor, id, s.step, object{}).want(t, http.StatusOK)
	}
}

func (o *office) funded(t testing.TB, id, prefix string) {
	t.Helper()
	var list struct{ Payable int64 }
	o.get(t, prefix+"treasurer", "/payrolls/"+id, "").into(t, &list)
	o.step(t, prefix+"treasurer", id, "funding", object{"amount": list.Payable, "reference": "KB/" + id[:6]}).want(t, http.StatusOK)
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (o *office) post(t testing.TB, actor, path, key string, body any) answer {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return o.send(t, http.MethodPost, actor, path, http.Header{"Idempotency-Key": {key}, "Content-Type": {"application/json"}}, data)
}

func (o *office) get(t testing.TB, actor, path, after string) answer {
	t.Helper()
	return o.send(t, http.MethodGet, actor, path, http.Header{"Songan-After": {after}}, nil)
}

func (o *office) send(t testing.TB, method, actor, path string, header http.Header, body []byte) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, o.url+"/disbursement/v1"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		if values[0] != "" {
			request.Header.Set(name, values[0])
		}
	}
	request.Header.Set("Authorization", "Bearer "+o.tokens[actor])
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

func (a answer) want(t testing.TB, status int) {
	t.Helper()
	if a.status != status {
		t.Fatalf("answered %d, want %d: %s", a.status, status, a.body)
	}
}

func (a answer) into(t testing.TB, target any) {
	t.Helper()
	if err := json.Unmarshal(a.body, target); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
}

func (a answer) text(t testing.TB, field string) string {
	t.Helper()
	var all object
	a.into(t, &all)
	text, _ := all[field].(string)
	return text
}

func (a answer) position() string { return a.header.Get("Songan-Position") }

// faults are "pointer code" of a problem document.
func (a answer) faults(t testing.TB) []string {
	t.Helper()
	var p struct {
		Code   string
		Errors []struct{ Pointer, Code string }
	}
	a.into(t, &p)
	lines := []string{}
	for _, e := range p.Errors {
		lines = append(lines, strings.TrimSpace(e.Pointer+" "+e.Code))
	}
	return lines
}
