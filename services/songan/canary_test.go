package songan_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/simulators/people"
	demo "github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/roll"
)

// aviary is a system with canaries in it, and everything that was heard of it from outside.
type aviary struct {
	*machine
	t               *testing.T
	scanner         *scanner
	roll            []*roll.Beneficiary
	people          []people.Person
	refusals, spans heap
	// metrics hold what is planted there.
	metrics heap
}

// Nothing about a person stands anywhere but in the vaults and on the topics of the banks that serve them: not in the
// log, in refusals, metrics, traces, quarantine, tables, topics, files. A thousand planted persons have been through
// everything that can be done with a person, and through everything that goes wrong; a leak that is planted is found.
func TestNothingIsSaidAboutAThousandCanaries(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	t.Parallel()
	a := &aviary{machine: newMachine(t), t: t, scanner: newScanner()}
	a.env = append(a.env, "SONGAN_LOG_LEVEL=debug", "OTEL_EXPORTER_OTLP_ENDPOINT="+collector(t, &a.spans).URL,
		"OTEL_BSP_SCHEDULE_DELAY=500", "SONGAN_TRUSTED_PROXIES=127.0.0.0/8")
	a.start(t)
	direct := a.base
	a.base = wiretap(t, direct, &a.refusals).URL
	began := time.Now()
	step := func(what string) { t.Logf("%4.1f s %s", time.Since(began).Seconds(), what) }

	o := a.payday(t, "canaries", canaries)
	o.API = demo.New(a.base, 16)
	a.roll, a.people = o.Roll, plant(t, a.scanner, o.Roll)
	a.enterKnown()
	a.stay()
	a.visit()
	step("guests")
	a.pay(o)
	step("payday")
	a.change()
	step("changes")
	a.blunder()
	step("mistakes")
	a.gossip()
	step("garbage")
	a.signIn()
	a.askBack()
	step("sign-ins and requests")
	for _, number := range a.accountNumbers(t) {
		a.scanner.number(number, "the account of a person")
	}
	a.drain()
	a.rest()
	a.audit(t)

	planted := a.plantLeaks()
	found := a.search(step)
	for _, f := range found {
		if i := slices.Index(planted, f.place+": "+f.what); i >= 0 {
			planted = slices.Delete(planted, i, i+1)
			continue
		}
		t.Error(f)
	}
	if len(planted) > 0 {
		t.Errorf("leaks that were planted and not found: %v", planted)
	}
	a.base = direct
	a.retentionIsReported(t) // of everything that was done with people, too
	a.stop(t)
}

// enterKnown tells the population database of some of the canaries.
func (a *aviary) enterKnown() {
	a.t.Helper()
	body, err := json.Marshal(map[string]any{"people": known(a.roll)})
	if err != nil {
		a.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, a.demo.Population+"/control/people", bytes.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(response.Body)
		a.t.Fatalf("the population database takes nobody: %d %s", response.StatusCode, said)
	}
}

// do sends a request that must be answered with one of the statuses; none is whatever it is answered.
func (a *aviary) do(method, path, actor, key string, body any, statuses ...int) []byte {
	a.t.Helper()
	status, answer, err := a.call(a.t.Context(), method, path, actor, key, body)
	if err != nil || len(statuses) > 0 && !slices.Contains(statuses, status) {
		a.t.Fatalf("%s %s: %d %s %v", method, path, status, answer, err)
	}
	return answer
}

// send is do, as the hotel, for bodies that are no JSON, or another kind of it.
func (a *aviary) send(method, path, media, body string, header http.Header) (int, []byte) {
	a.t.Helper()
	request, err := http.NewRequestWithContext(a.t.Context(), method, a.base+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+a.demo.Actors["hotel"].Token)
	request.Header.Set("Idempotency-Key", fmt.Sprintf("send-%d", time.Now().UnixNano()))
	request.Header.Set("Content-Type", media)
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := client.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return response.StatusCode, answer
}

// stay has every canary sleep in a hotel: notified alone, in a list, and in a stream.
func (a *aviary) stay() {
	a.t.Helper()
	const alone, listed = 100, 400
	var list []any
	var stream bytes.Buffer
	for n, p := range a.people[:canaries] {
		body := map[string]any{"guest": guestOf(p), "arrived_at": time.Now().Format(time.RFC3339), "reason": "tourism"}
		switch {
		case n < alone:
			a.do(http.MethodPost, "/accommodation/v1/notices", "hotel", fmt.Sprint("canary-", n), body, http.StatusCreated)
		case n < listed:
			list = append(list, body)
		default:
			if err := json.NewEncoder(&stream).Encode(body); err != nil {
				a.t.Fatal(err)
			}
		}
	}
	const batch = "/accommodation/v1/notices/batch"
	a.do(http.MethodPost, batch, "hotel", "canary-list", list, http.StatusOK)
	if status, said := a.send(http.MethodPost, batch, "application/x-ndjson", stream.String(), nil); status != http.StatusOK ||
		bytes.Count(said, []byte(`"status":201`)) != canaries-listed {
		a.t.Fatalf("the stream: %d %.300s", status, said)
	}
}

// pay plays a payday for the canaries: beneficiaries, issuances, enrolments, lists, payments, cash, reissues.
func (a *aviary) pay(o payday.Options) {
	a.t.Helper()
	var out bytes.Buffer
	o.Out = &out
	if err := payday.Run(a.t.Context(), o); err != nil {
		a.t.Fatalf("the payday: %v\n%s", err, out.String())
	}
	if found := a.scanner.scan("the payday's statement", out.String()); len(found) > 0 {
		a.t.Error(found[0])
	}
}

// notices are ids of stays of the canaries, latest first.
func (a *aviary) notices() (ids []string) {
	a.t.Helper()
	return a.ids("/accommodation/v1/notices?limit=40&persons=true", "hotel")
}

func (a *aviary) ids(path, actor string) (ids []string) {
	a.t.Helper()
	var page struct {
		Items []struct{ ID string }
	}
	if err := json.Unmarshal(a.do(http.MethodGet, path, actor, "", nil, http.StatusOK), &page); err != nil || len(page.Items) == 0 {
		a.t.Fatalf("%s: %v, %d items", path, err, len(page.Items))
	}
	for _, item := range page.Items {
		ids = append(ids, item.ID)
	}
	return ids
}

// change corrects, cancels, looks up, registers deaths, suspends accounts: with reasons that speak of people, because
// they go to the vault.
func (a *aviary) change() {
	a.t.Helper()
	for n, id := range a.notices() {
		p := a.people[n]
		why := "nhầm với " + p.FullName + ", số " + p.Document.Number + ", " + p.Phone
		path, key := "/accommodation/v1/notices/"+id, fmt.Sprint("change-", n)
		a.do(http.MethodPost, path+"/correction", "hotel", key, map[string]any{"guest": guestOf(p), "reason": why}, http.StatusOK)
		if n%2 == 0 {
			a.do(http.MethodPost, path+"/cancellation", "hotel", key+"-end", map[string]any{"reason": why}, http.StatusOK)
		}
		a.do(http.MethodGet, path, "police", "", nil, http.StatusOK)
		a.do(http.MethodGet, path+"/history", "police", "", nil, http.StatusOK)
		lookup := map[string]any{"purpose": "missing_person", "case": fmt.Sprint("BD-", n), "document": map[string]any{"type": "citizen_id", "number": p.Document.Number}}
		if n%2 == 0 {
			delete(lookup, "document")
			lookup["full_name"], lookup["birth_date"] = p.FullName, p.BirthDate
		}
		a.do(http.MethodPost, "/accommodation/v1/lookups", "police", "", lookup, http.StatusOK)
		a.do(http.MethodPost, "/accommodation/v1/scan", "hotel", "", map[string]any{"text": p.Document.Number + "||" + p.FullName + "|15011990|Nam|" + p.Residence.Text + "|01012021"})
	}
	for n, id := range a.ids("/accounts/v1/beneficiaries?limit=40", "lisa") {
		why := map[string]any{"reason": "theo đơn của " + a.people[n].FullName + " " + a.people[n].Phone}
		a.do(http.MethodGet, "/accounts/v1/beneficiaries/"+id+"/history", "lisa", "", nil, http.StatusOK)
		correction := map[string]any{"person": map[string]any{
			"full_name": a.people[n].FullName, "birth_date": a.people[n].BirthDate, "sex": a.people[n].Sex,
			"document": a.people[n].Document, "residence": a.people[n].Residence,
		}, "reason": why["reason"]}
		a.do(http.MethodPost, "/accounts/v1/beneficiaries/"+id+"/correction", "lisa", fmt.Sprint("correct-", n), correction)
	}
	for n, id := range a.ids("/accounts/v1/accounts?status=active&limit=40", "lisa") {
		why := "theo đơn của " + a.people[n].FullName + " " + a.people[n].Phone
		a.do(http.MethodPost, "/accounts/v1/accounts/"+id+"/suspension", "lisa", fmt.Sprint("suspend-", n), map[string]any{"reason": why}, http.StatusOK)
	}
	for n, id := range a.ids("/disbursement/v1/enrolments?limit=20", "lisa") {
		a.do(http.MethodPost, "/disbursement/v1/enrolments/"+id+"/stop", "lisa", fmt.Sprint("stop-", n),
			map[string]any{"from_month": vn.DateOf(time.Now()).String()[:7], "reason": "đã chuyển đi: " + a.people[n].FullName})
	}
}

// rest waits until nobody has to be checked any more: whatever is said about the canaries was said.
func (a *aviary) rest() {
	a.t.Helper()
	testkit.Eventually(a.t, func() error {
		pending := query[int](a.t, a.machine, "accommodation", `
select (select count(*) from events where type = 'accommodation.stay_notified.v1')::int -
       (select count(distinct stream) from events where type = 'accommodation.identity_recorded.v1')::int`)[0]
		if pending > 0 {
			return fmt.Errorf("%d guests are not checked yet", pending)
		}
		return nil
	})
}

// drain looks at every quarantine, and has operators decide about some of it.
func (a *aviary) drain() {
	a.t.Helper()
	for _, service := range []string{"accommodation", "accounts", "identity", "bankgateway", "disbursement"} {
		for range 3 {
			var page struct {
				Items []struct{ ID string }
			}
			view := a.do(http.MethodGet, "/"+service+"/v1/quarantine?limit=200", "admin", "", nil, http.StatusOK)
			a.refusals.add(string(view))
			if err := json.Unmarshal(view, &page); err != nil {
				a.t.Fatal(err)
			}
			for n, item := range page.Items[:min(len(page.Items), 20)] {
				act := []string{"release", "discard"}[n%2]
				path := "/" + service + "/v1/quarantine/" + item.ID + "/" + act
				for _, reason := range []string{"số " + a.people[n].Document.Number, a.people[n].FullName, "k" + a.people[n].Document.Number} {
					a.do(http.MethodPost, path, "admin", "", map[string]any{"reason": reason}, http.StatusUnprocessableEntity)
				}
				a.do(http.MethodPost, path, "admin", "", map[string]any{"reason": "bank_asked"})
			}
		}
		a.refusals.add(string(a.do(http.MethodGet, "/"+service+"/v1/quarantine?closed=true&limit=200", "admin", "", nil, http.StatusOK)))
	}
}

// signIn has people type the wrong things into the form, and then the right ones.
func (a *aviary) signIn() {
	a.t.Helper()
	for _, p := range a.people[:4] {
		visitor := newVisitor(a.t, a.machine)
		visitor.answer(visitor.loginPage("/?who="+url.QueryEscape(vn.Fold(wordOf("x", 0)))), map[string]string{"name": p.FullName, "password": p.Document.Number})
		visitor = newVisitor(a.t, a.machine)
		visitor.answer(visitor.loginPage("/"), map[string]string{"name": "chairman", "password": p.FullName})
	}
	chairman := newVisitor(a.t, a.machine)
	chairman.signIn("chairman")
	me := chairman.get("/auth/v1/me")
	if me.status != http.StatusOK {
		a.t.Fatalf("the chairman is not signed in: %d %s", me.status, me.body)
	}
	chairman.get("/accounts/v1/beneficiaries?limit=20")
	chairman.get("/disbursement/v1/payments/" + a.people[0].Document.Number)
}

// plantLeaks writes about people where nobody must, once in every kind of place.
func (a *aviary) plantLeaks() (planted []string) {
	a.t.Helper()
	p := a.people[7]
	_, _ = fmt.Fprintf(a.log, `{"level":"debug","msg":"guest %s was checked"}`+"\n", strings.ToUpper(vn.Fold(p.FullName)))
	a.planting(a.t, "accounts", `create table planted (note text, raw bytea)`)
	a.planting(a.t, "accounts", `insert into planted values ($1, null), ('', $2)`,
		`{"number":"`+p.Document.Number[:3]+" "+p.Document.Number[3:6]+" "+p.Document.Number[6:]+`"}`, []byte("name "+p.FullName))
	bus := a.broker(a.t)
	topic := a.topics() + ".accommodation.v1"
	body := base64.StdEncoding.EncodeToString([]byte(`{"number":"` + a.accountNumbers(a.t)[0] + `"}`))
	a.produce(a.t, bus, topic, kafka.Message{Key: []byte("planted"), Value: []byte(body)})
	a.refusals.add(`{"code":"unknown","detail":"nobody has the phone 0` + p.Phone[3:5] + "-" + p.Phone[5:8] + "-" + p.Phone[8:] + `"}`)
	a.spans.add("http.target=/notices?address=" + url.QueryEscape(p.Residence.Text))
	a.spans.add("guest=" + wordOf("f", 3))
	a.metrics.add(`guests_total{passport="` + strings.ToLower(passportOf(3)) + `"} 1`)
	a.planting(a.t, "bankgateway", `update quarantine set error_text = error_text || $1 where id = (select min(id) from quarantine)`, " of "+passportOf(4))
	if err := os.WriteFile(filepath.Join(a.dir, "data", "planted.txt"), []byte("visa "+passportOf(foreigners+5)), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return []string{
		"log: the name of a person", "table accounts.public.planted: the document of a person",
		"table accounts.public.planted: the name of a person", "topic songan.accommodation.v1: the account of a person",
		"refusals: the phone of a person", "traces: the address of a person", "traces: the name of a foreigner",
		"metrics: the passport of a foreigner", "table bankgateway.public.quarantine: the passport of a foreigner",
		"file planted.txt: the visa of a foreigner",
	}
}

// search scans everything, and says how much that was.
func (a *aviary) search(step func(string)) (found []finding) {
	a.t.Helper()
	size := map[string]int{}
	look := func(kind string) func(place, text string) {
		return func(place, text string) {
			size[kind] += len(text)
			found = append(found, a.scanner.scan(place, text)...)
		}
	}
	for line := range bytes.Lines(a.log.all()) {
		look("log")("log", string(line))
	}
	for _, text := range a.refusals.all() {
		look("refusals")("refusals", text)
	}
	for _, text := range a.spans.all() {
		look("traces")("traces", text)
	}
	look("metrics")("metrics", string(a.do(http.MethodGet, "/metrics", "admin", "", nil, http.StatusOK)))
	for _, text := range a.metrics.all() {
		look("metrics")("metrics", text)
	}
	a.await(a.t)
	look("metrics")("readiness", string(a.do(http.MethodGet, "/readyz", "", "", nil, http.StatusOK)))
	step("log, refusals, traces, metrics")
	rows := a.eachRow(a.t, look("tables"))
	step(fmt.Sprint(rows, " rows"))
	records := a.eachRecord(a.t, look("topics"))
	step(fmt.Sprint(records, " records"))
	a.eachFile(a.t, look("files"))
	step(fmt.Sprintf("all searched, bytes: %v", size))
	for _, kind := range []string{"log", "refusals", "traces", "metrics", "tables", "topics", "files"} {
		if size[kind] == 0 {
			a.t.Errorf("there was nothing to search in %s", kind)
		}
	}
	return found
}
