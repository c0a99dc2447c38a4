package accounts_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/testkit"
)

// money is a disbursement service, and a bank gateway, of which only the answers to accounts are there.
type money struct {
	url string
	mu  sync.Mutex
	// away says that it answers with an error whose money is on its way; unsettled whose money is on its way.
	away      bool
	unsettled []string
	asked     int
	// about is what was asked about people who want to know what is kept, by service.
	about map[string]foundation.AboutPerson
}

func newMoney(t *testing.T) *money {
	t.Helper()
	m := &money{unsettled: []string{}, about: map[string]foundation.AboutPerson{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.asked++
		service, reports := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/"), "/v1/subject-reports")
		switch {
		case reports:
			m.report(w, r, service)
		case m.away:
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/disbursement/v1/needs":
			_ = json.NewEncoder(w).Encode(object{"beneficiaries": m.unsettled}) // whoever asked has gone
		}
	}))
	t.Cleanup(server.Close)
	m.url = server.URL
	return m
}

// report remembers what was asked, and keeps one row of everybody.
func (m *money) report(w http.ResponseWriter, r *http.Request, service string) {
	var about foundation.AboutPerson
	if err := json.NewDecoder(r.Body).Decode(&about); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	m.about[service] = about
	_ = json.NewEncoder(w).Encode(subject.Report{Service: service, Holdings: []subject.Holding{{Content: "kept by " + service}}})
}

func (m *money) askedAbout(service string) foundation.AboutPerson {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.about[service]
}

func (m *money) set(away bool, unsettled ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away, m.unsettled = away, append([]string{}, unsettled...)
}

// answers counts how often it was asked.
func (m *money) answers() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked
}

func (m *money) askedSince(before int) error {
	if m.answers() == before {
		return errors.New("disbursement was not asked")
	}
	return nil
}

// asks takes a request for the erasure of somebody and returns the path at which it is answered.
func (o *office) asks(t *testing.T, file, document string) string {
	t.Helper()
	taken := o.Post(t, "admin", "/subject-requests", file, object{"kind": "erasure", "case": file, "document": document})
	taken.Want(t, http.StatusCreated)
	return "/subject-requests/" + taken.Text(t, "id") + "/reply"
}

// replied is how a request ended.
type replied struct {
	Outcome      string
	Erased, Kept int
	Holdings     []struct{ Held string }
}

func (o *office) reply(t *testing.T, path string) (r replied) {
	t.Helper()
	answer := o.Post(t, "admin", path, "", object{})
	answer.Want(t, http.StatusOK)
	answer.Into(t, &r)
	return r
}

func (r replied) held(t *testing.T, rows int, why string) {
	t.Helper()
	if r.Outcome != "kept" || r.Erased != 0 || r.Kept != rows || len(r.Holdings) != rows || r.Holdings[0].Held != why {
		t.Errorf("%+v, want %d rows kept for %s", r, rows, why)
	}
}

// Nobody to whom money is on its way is erased over HTTP, and nobody at all when disbursement cannot be asked.
func TestWhoIsStillToBePaidIsNotErased(t *testing.T) {
	t.Parallel()
	o := open(t)
	id := o.register(t, 1)
	other := personOf("Nguyễn Văn Ân", 1) // the same person under another name: a row of its own, and the old one stays
	o.Post(t, "maker", "/beneficiaries/"+id+"/correction", "c", object{"person": other, "reason": "sai tên"}).Want(t, http.StatusOK)
	first := o.asks(t, "2026/1", "001050000001")
	o.money.set(true)
	o.Post(t, "admin", first, "", object{}).Refused(t, http.StatusServiceUnavailable, "needs_unknown")
	o.money.set(false, id)
	o.reply(t, first).held(t, 3, "payment_in_flight") // also the name of before: an instruction may bear it; and the remark
	o.money.set(false)
	if got := o.reply(t, o.asks(t, "2026/2", "001050000001")); got.Outcome != "erased" || got.Erased != 3 {
		t.Errorf("settled: %+v", got)
	}
}

// A bank that is being asked for an account has to be told the name, from the submission of the batch on.
func TestWhoseAccountIsBeingOpenedIsNotErased(t *testing.T) {
	t.Parallel()
	o := open(t)
	requested, submitted, drafted := o.register(t, 1), o.register(t, 2), o.register(t, 3)
	o.issue(t, "requested", vietin, requested)
	batch := o.Post(t, "maker", "/issuances", "submitted", object{"unit": "00004", "bank": vietin, "beneficiaries": []string{submitted}})
	batch.Want(t, http.StatusCreated)
	o.Post(t, "maker", "/issuances/"+batch.Text(t, "id")+"/submission", "s", object{}).Want(t, http.StatusOK)
	o.Post(t, "maker", "/issuances", "drafted", object{"unit": "00004", "bank": vietin, "beneficiaries": []string{drafted}}).Want(t, http.StatusCreated)
	o.reply(t, o.asks(t, "2026/1", "001050000001")).held(t, 1, "account_requested")
	o.reply(t, o.asks(t, "2026/2", "001050000002")).held(t, 1, "account_requested")
	if got := o.reply(t, o.asks(t, "2026/3", "001050000003")); got.Outcome != "erased" {
		t.Errorf("a draft binds nobody: %+v", got)
	}
}

// The hourly retention asks as well: rows whose time is over stay as long as money is on its way to somebody.
func TestRetentionAsksWhoIsStillToBePaid(t *testing.T) {
	t.Parallel()
	o := prepare(t)
	stop := o.start(t)
	id := o.register(t, 1)
	stop()
	o.Clock.Advance(o.Clock.Now().AddDate(11, 0, 0).Sub(o.Clock.Now()))
	left := func() (rows int) {
		if err := o.Pool.QueryRow(t.Context(), `select count(*) from vault where purpose = 'beneficiary'`).Scan(&rows); err != nil {
			t.Fatal(err)
		}
		return rows
	}
	for _, c := range []struct {
		away bool
		of   []string
	}{{true, nil}, {false, []string{id}}} {
		o.money.set(c.away, c.of...)
		asked := o.money.answers()
		stop := o.start(t) // it looks after the vault at once
		testkit.Eventually(t, func() error { return o.money.askedSince(asked) })
		stop()
		if left() != 1 {
			t.Fatalf("away %t: the person is gone", c.away)
		}
	}
	o.money.set(false)
	o.start(t)
	testkit.Eventually(t, func() error {
		if left() > 0 {
			return errors.New("the person is still there, though nothing is on its way")
		}
		return nil
	})
}
