package songan_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/simulators/people"
	demo "github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/books"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/roll"
)

const (
	paid = 240 // beneficiaries
	// paydayLimit is how long the payday may take, with all its power cuts, on a busy machine.
	paydayLimit = 5 * time.Minute
)

// powerCuts says during which parts of a payday the power fails, and how often.
func powerCuts() map[payday.Stage]int {
	return map[payday.Stage]int{
		payday.Issuing: 1, payday.Enrolling: 1, payday.Drafting: 1, payday.Releasing: 2, payday.Paying: 2, payday.Settling: 1,
	}
}

// unreliable are banks that say many things twice or in the wrong order, and one in seven of them only when they are asked. What
// they book is right all the same.
func unreliable() *payday.Scenario {
	s := *books.Normal()
	s["acknowledge"] = "steps"
	s["manner"] = map[string]int{"twice": 250, "out_of_order": 150, "lost": 150}
	s["reject"] = map[string]int{"AC01": 30, "AC04": 40}
	s["returns"] = map[string]any{"per_mille": 40, "after": 10, "reason": "AC04"}
	return &s
}

// Every payment is made once and none is lost, however often the power fails, while every list is released by two
// treasurers at once and banks repeat themselves. The judge is what the banks have booked.
func TestEveryPaymentIsMadeOnceWhenThePowerFails(t *testing.T) {
	if testing.Short() {
		t.Skip("the payday with power cuts takes a minute")
	}
	t.Parallel()
	m := newMachine(t)
	scenario, err := json.Marshal(unreliable()) // for a bank that was killed as well
	if err != nil {
		t.Fatal(err)
	}
	m.env = append(m.env, "SONGAN_DISBURSEMENT_SILENCE=4s", "SONGAN_BANK_SCENARIO="+string(scenario))
	m.start(t)
	cuts := 0
	for stage := range playing(t, m.payday(t, "cuts", paid), paydayLimit) {
		for range powerCuts()[stage] {
			pause := time.NewTimer(time.Duration(rand.IntN(250)) * time.Millisecond)
			<-pause.C
			m.kill(t)
			m.start(t)
			cuts++
		}
	}
	if t.Failed() {
		t.Fatalf("after %d power cuts\n%s", cuts, m.log.tail())
	}
	m.judgePayday(t)
	m.someWereLost(t, "")
	m.audit(t)
	m.stop(t)
	if started := bytes.Count(m.log.all(), []byte(`"songan started"`)); started != cuts+1 || cuts < 6 {
		t.Errorf("the log shows %d starts after %d power cuts", started, cuts)
	}
}

// playing plays a payday of unreliable banks and says which stage begins, when somebody listens: nothing goes on before.
// The channel is closed when the payday is over.
func playing(t *testing.T, o payday.Options, limit time.Duration) <-chan payday.Stage {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), limit)
	stages := make(chan payday.Stage)
	o.Scenario = unreliable()
	o.Began = func(s payday.Stage) {
		select {
		case stages <- s:
		case <-ctx.Done():
		}
	}
	var under sync.WaitGroup
	under.Go(func() {
		defer close(stages)
		var out bytes.Buffer
		o.Out = &out
		err := payday.Run(ctx, o)
		t.Logf("%s", out.Bytes())
		if err != nil {
			t.Errorf("the payday: %v", err)
		}
	})
	t.Cleanup(func() {
		stop()
		under.Wait()
	})
	return stages
}

// payday plans a payday of that name.
func (m *machine) payday(t *testing.T, name string, beneficiaries int) payday.Options {
	t.Helper()
	register, err := people.New(people.Options{Seed: 6})
	if err != nil {
		t.Fatal(err)
	}
	api := demo.New(m.base, 16)
	programme, err := payday.Programme(t.Context(), api, m.system(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	all, err := payday.Plan(m.system(t), roll.Options{
		Seed: 1, Name: name, Programme: programme, Beneficiaries: beneficiaries, Today: vn.DateOf(time.Now()), Register: register,
	})
	if err != nil {
		t.Fatal(err)
	}
	return payday.Options{
		API: api, System: func() (payday.System, error) { return payday.ReadSystem(m.demoFile()) },
		Name: name, Programme: programme, Roll: all, Now: time.Now,
	}
}

// behave tells all banks how to behave from now on.
func (m *machine) behave(t *testing.T, s payday.Scenario) {
	t.Helper()
	body, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for bic := range m.system(t).Banks {
		m.bank(t, bic, http.MethodPost, "/control/scenario", body)
	}
}

func (m *machine) demoFile() string { return filepath.Join(m.dir, "data", "demo.json") }

// system is where the officers and the banks are, since the last start.
func (m *machine) system(t *testing.T) payday.System {
	t.Helper()
	system, err := payday.ReadSystem(m.demoFile())
	if err != nil {
		t.Fatal(err)
	}
	return system
}

// bank calls the control address of a bank.
func (m *machine) bank(t *testing.T, bic, method, path string, body []byte) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, m.system(t).Banks[bic].Control+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer bytes.Buffer
	if _, err := bufio.NewReader(response.Body).WriteTo(&answer); err != nil || response.StatusCode >= http.StatusBadRequest {
		t.Fatalf("bank %s answers %d, %v: %s", bic, response.StatusCode, err, answer.Bytes())
	}
	return answer.Bytes()
}

// entry is a payment in a bank's own book.
type entry struct {
	ID        string `json:"end_to_end_id"`
	Amount    int64  `json:"amount"`
	Status    string `json:"status"`
	Conflicts int    `json:"conflicts"`
	Bank      string `json:"-"`
}

// books are the books of all banks, by end-to-end id.
func (m *machine) books(t *testing.T) map[string]entry {
	t.Helper()
	all := map[string]entry{}
	for bic := range m.system(t).Banks {
		for row := range bytes.Lines(m.bank(t, bic, http.MethodGet, "/ledger.jsonl", nil)) {
			var e entry
			if err := json.Unmarshal(row, &e); err != nil {
				t.Fatal(err)
			}
			if other, known := all[e.ID]; known || e.Conflicts > 0 {
				t.Errorf("%s stands in the books of %s and of %s, with %d conflicts", e.ID, bic, other.Bank, e.Conflicts)
			}
			e.Bank = bic
			all[e.ID] = e
		}
	}
	return all
}

// attempts are our end-to-end ids with the amount, and how often our log says that each was credited and returned.
const attempts = `
select r.data->>'end_to_end_id' || '|' || (r.data->>'amount') || '|' || (r.data->>'bank') || '|' ||
       count(c.*) filter (where c.type = 'disbursement.payment_credited.v1') || '|' ||
       count(c.*) filter (where c.type = 'disbursement.payment_returned.v1') || '|' ||
       count(c.*) filter (where c.type = 'disbursement.payment_rejected.v1')
  from events r
  left join events c on c.stream = r.stream and c.data->>'attempt' = r.data->>'attempt'
   and c.type in ('disbursement.payment_credited.v1', 'disbursement.payment_returned.v1', 'disbursement.payment_rejected.v1')
 where r.type in ('disbursement.payment_released.v1', 'disbursement.payment_reissued.v1')
 group by r.position`

// unknownAt counts the payments that we gave up hearing about from the banks whose BIC is like that, or unlike it.
func unknownAt(like string) string {
	return `
select count(distinct u.stream) from events u join events r on r.stream = u.stream
 where u.type = 'disbursement.payment_unknown.v1' and r.type = 'disbursement.payment_released.v1' and r.data->>'bank' ` + like + ` $1`
}

// someWereLost wants payments of which banks other than that one did not report. The chance that there is none among the 100 that
// the smaller of the paydays has there is 0.85 to the 100th, 1 in 10 million.
func (m *machine) someWereLost(t *testing.T, but string) {
	t.Helper()
	lost := query[int](t, m, "disbursement", unknownAt("<>"), but)[0]
	if lost == 0 {
		t.Error("no bank kept a report to itself: nothing had to be asked")
	}
	t.Logf("%d payments were unknown for a while", lost)
}

// judgePayday compares the banks' books with our log: the same attempts, amounts and ends, each of them once.
func (m *machine) judgePayday(t *testing.T) {
	t.Helper()
	booked := map[string]string{}
	for id, e := range m.books(t) {
		// What is credited, then returned, is in our log as both, unless the return overtook the credit.
		ends := map[string]string{"ACCC": "credited", "RTND": "returned", "RJCT": "rejected"}
		booked[id] = fmt.Sprintf("%d dong at %s, %s", e.Amount, e.Bank, ends[e.Status])
	}
	ours := map[string]string{}
	for _, row := range query[string](t, m, "disbursement", attempts) {
		part := strings.Split(row, "|")
		id := part[0]
		var end string
		switch credited, returned, rejected := part[3], part[4], part[5]; {
		case returned == "1" && rejected == "0" && (credited == "1" || credited == "0"):
			end = "returned"
		case credited == "1" && returned == "0" && rejected == "0":
			end = "credited"
		case credited == "0" && returned == "0" && rejected == "1":
			end = "rejected"
		default:
			end = fmt.Sprintf("credited %s times, returned %s, rejected %s", credited, returned, rejected)
		}
		if ours[id] != "" {
			t.Errorf("%s was released twice", id)
		}
		ours[id] = fmt.Sprintf("%s dong at %s, %s", part[1], part[2], end)
	}
	if diff := cmp.Diff(booked, ours); diff != "" {
		t.Errorf("payments (-the banks' books +our log):\n%s", diff)
	}
	if len(ours) < paid/2 {
		t.Errorf("only %d payments went to banks", len(ours))
	}
	for _, releases := range query[int](t, m, "disbursement",
		`select count(*) from events where type = 'disbursement.payroll_released.v1' group by stream`) {
		if releases != 1 {
			t.Errorf("a list was released %d times", releases)
		}
	}
	for _, service := range []string{"accounts", "bankgateway", "disbursement"} {
		if holes := query[int64](t, m, service, `select coalesce(max(position), 0) - count(*) from events`); holes[0] != 0 {
			t.Errorf("the log of %s has %d holes", service, holes[0])
		}
		m.nothingInQuarantine(t, service)
	}
	t.Logf("%d attempts to pay, each once in the banks' books", len(ours))
}

func (m *machine) nothingInQuarantine(t *testing.T, service string) {
	t.Helper()
	status, answer, err := m.call(t.Context(), http.MethodGet, "/"+service+"/v1/quarantine", "admin", "", nil)
	var page struct{ Items []json.RawMessage }
	if err != nil || status != http.StatusOK || json.Unmarshal(answer, &page) != nil || len(page.Items) != 0 {
		t.Errorf("quarantine of %s: %d %s %v", service, status, answer, err)
	}
}

// audit has the command recompute the invariants from the logs.
func (m *machine) audit(t *testing.T) {
	t.Helper()
	command := exec.CommandContext(t.Context(), m.binary, "audit")
	command.Env = m.env
	if said, err := command.CombinedOutput(); err != nil {
		t.Errorf("the audit: %v\n%s", err, said)
	} else {
		t.Logf("%s", said)
	}
}

// A second payday on the same system pays the next month, to new people as well; when no list can be drafted further ahead
// it is the next programme's turn. A payday that is played again under its name finds everything done, also what did not succeed:
// on the second one banks reject many payments, and open no account in the place of the one that a payment did not reach.
func TestEveryPaydayFindsAListThatIsNotPaid(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	t.Parallel()
	m := newMachine(t)
	m.start(t)
	for _, name := range []string{"first", "second", "second", "third", "fourth"} {
		var out bytes.Buffer
		o := m.payday(t, name, 36)
		o.Out = &out
		if name == "second" {
			rejecting, refusing := *books.Normal(), *books.Normal()
			rejecting["reject"] = map[string]int{"AC04": 300}
			refusing["accounts"] = map[string]int{"refused": 1000}
			o.Scenario = &rejecting
			o.Began = func(s payday.Stage) {
				if s == payday.Settling {
					m.behave(t, refusing)
				}
			}
		}
		err := payday.Run(t.Context(), o)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out.Bytes())
		}
	}
	lists := query[string](t, m, "disbursement", `
select distinct data->>'programme' || ' ' || (data->>'month') from events where type = 'disbursement.payroll_drafted.v1' order by 1`)
	this := vn.DateOf(time.Now()).String()[:len("2026-11")]
	if len(lists) != 4 || lists[0] != roll.Assistance+" "+this || lists[3] != roll.Pension+" "+this {
		t.Errorf("lists were drafted for %v", lists)
	}
	m.audit(t)
	m.stop(t)
}
