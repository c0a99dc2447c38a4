package foundation_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/testkit/policytest"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/witness"
)

const towerRules = `{"retention": [
 {"id": "ringers.2020", "service": "tower", "purpose": "ringer", "class": "basic", "valid_from": "2020-01-01", "months": 60, "counts_from": "sealed", "on_request": "erase", "legal_basis": "Luật A", "source": "test"},
 {"id": "wages.2020", "service": "tower", "purpose": "wage", "class": "sensitive", "valid_from": "2020-01-01", "months": 120, "counts_from": "sealed", "on_request": "keep", "legal_basis": "Luật B", "source": "test"}],
 "deadlines": [
 {"id": "access", "kind": "access", "valid_from": "2026-01-01", "answer_working_days": 2, "done_days": 10, "legal_basis": "Luật 91/2025/QH15", "source": "test"},
 {"id": "erasure", "kind": "erasure", "valid_from": "2026-01-01", "answer_working_days": 2, "done_days": 20, "legal_basis": "Luật 91/2025/QH15", "source": "test"}]}`

// tower is a foundation with a clock that only moves when told to.
type tower struct {
	*foundation.Foundation
	clock *testkit.Clock
	api   *httpapi.API
	token string
	data  string
	// others is what another service says; nil errs.
	others []subject.Report
}

// trail leads from a ringer to the bells that they rang.
func (w *tower) trail(_ context.Context, found []vault.Ref) (subject.Trail, error) {
	t := subject.Trail{Follow: []string{vault.NotePurpose}}
	for _, ref := range found {
		t.Streams = append(t.Streams, "bell-"+string(ref))
	}
	return t, nil
}

func (w *tower) elsewhere(context.Context, foundation.AskElsewhere, subject.Trail, []subject.Fact) ([]subject.Report, error) {
	if w.others == nil {
		return nil, problem.New(problem.Unavailable, "elsewhere_unknown", "away", "vắng")
	}
	return w.others, nil
}

// newTower opens one, with more policies than those that come with the program.
func newTower(t *testing.T, more ...string) *tower {
	t.Helper()
	d := deps(t)
	w := &tower{others: []subject.Report{}, clock: testkit.NewClock(time.Date(2026, 11, 20, 9, 0, 0, 0, time.FixedZone("UTC+7", 7*3600)))}
	d.Now, d.API.Now = w.clock.Now, w.clock.Now
	if len(more) > 0 {
		d.API.Policy = policytest.Plus(t, w.clock.Now, more[0])
	}
	d.Config.RetentionRules = filepath.Join(d.Config.Data, "rules.json")
	if err := os.WriteFile(d.Config.RetentionRules, []byte(towerRules), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.Foundation, err = foundation.Open(t.Context(), d, options()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	token, key := access.Generate(access.Principal{ID: "desk", Role: access.Admin})
	d.API.Auth, d.API.Name, d.API.Fingerprint = d.Auth(access.Static(key)), w.Vault.Name, w.Vault.Fingerprint
	w.api, w.token, w.data = httpapi.New(d.API), token, d.Config.Data
	w.AnswerPeople(w.api, foundation.Subjects{Trail: w.trail, Elsewhere: w.elsewhere})
	return w
}

// seal stores a person with a fact, as services do.
func (w *tower) seal(t *testing.T, purpose, number string) vault.Ref {
	t.Helper()
	row, err := w.Vault.Seal(purpose, map[string]string{"name": "Nguyễn Văn An"}, vault.Index{Document: number}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Log.Append(t.Context(), eventstore.Append{
		Stream: "bell-" + string(row.Ref), Facts: []events.Event{rung{Bell: string(row.Ref)}}, Secrets: []vault.Row{row},
	})
	if err != nil {
		t.Fatal(err)
	}
	return row.Ref
}

// call sends a request and reads the answer.
func (w *tower) call(t *testing.T, method, path, body string) (int, map[string]any) {
	t.Helper()
	answer := w.send(t, rand.Text(), method, path, body)
	var read map[string]any
	if err := json.Unmarshal(answer.Body.Bytes(), &read); err != nil {
		t.Fatalf("%s %s: %d %s", method, path, answer.Code, answer.Body.String())
	}
	return answer.Code, read
}

// send sends a request with a key.
func (w *tower) send(t *testing.T, key, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, "/tower/v1"+path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+w.token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	answer := httptest.NewRecorder()
	w.api.ServeHTTP(answer, request)
	return answer
}

// recorded are the desk's readings of references.
func (w *tower) recorded(t *testing.T, refs ...vault.Ref) []vault.Disclosure {
	t.Helper()
	read, err := w.Vault.ReadBy(t.Context(), "officer:desk", time.Time{}, w.clock.Now().Add(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(read, func(d vault.Disclosure) bool { return !slices.Contains(refs, d.Ref) })
}

func (w *tower) readable(t *testing.T, refs ...vault.Ref) (left []vault.Ref) {
	t.Helper()
	found, err := w.Vault.Read(t.Context(), vault.Reading{Actor: "officer:test", Purpose: "test", Case: "1"}, refs...)
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range refs {
		if _, there := found[ref]; there {
			left = append(left, ref)
		}
	}
	return left
}

func TestTheRulesOfTheDayDecideWhatGoes(t *testing.T) {
	t.Parallel()
	w := newTower(t)
	ringer, wage, other := w.seal(t, "ringer", ""), w.seal(t, "wage", ""), w.seal(t, "nobodys_rule", "")
	hold := vault.Hold{Actor: "officer:judge", Reason: "court_case", Until: w.clock.Now().AddDate(11, 0, 0)}
	held := w.seal(t, "ringer", "")
	if err := w.Vault.Hold(t.Context(), hold, held); err != nil {
		t.Fatal(err)
	}
	for years, want := range [][]vault.Ref{
		4: {ringer, wage, other, held}, 6: {wage, other, held}, 9: {wage, other, held}, 10: {other, held}, 12: {other},
	} {
		if want == nil {
			continue
		}
		w.clock.Advance(time.Date(2026+years, 11, 20, 9, 0, 1, 0, time.FixedZone("UTC+7", 7*3600)).Sub(w.clock.Now()))
		if err := w.KeepHouse(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, w.readable(t, ringer, wage, other, held)); diff != "" {
			t.Fatalf("after %d years (-want +got)\n%s", years, diff)
		}
	}
	proofs, err := w.Vault.Retained(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, p := range proofs {
		rules = append(rules, p.Rule+" "+p.LegalBasis)
	}
	if diff := cmp.Diff([]string{"ringers.2020 Luật A", "wages.2020 Luật B", "ringers.2020 Luật A"}, rules); diff != "" {
		t.Error(diff)
	}
}

func TestPeopleAreAnsweredWithinTwoWorkingDays(t *testing.T) {
	t.Parallel()
	w := newTower(t)
	const number = "001090123456"
	ringer, wage := w.seal(t, "ringer", number), w.seal(t, "wage", number)
	status, taken := w.call(t, http.MethodPost, "/subject-requests", `{"kind":"erasure","case":"2026/117","document":"001 090 123 456"}`)
	if status != http.StatusCreated || taken["answer_by"] != "2026-11-26T00:00:00+07:00" && taken["answer_by"] != "2026-11-25T17:00:00Z" {
		t.Fatalf("%d %v: a weekend and a holiday lie between", status, taken)
	}
	if taken["unverified"] != true {
		t.Error("the deadline rests on a holiday that nobody verified, and does not say so")
	}
	if text := fmt.Sprint(taken); strings.Contains(text, number) {
		t.Errorf("the number is repeated: %s", text)
	}
	path := "/subject-requests/" + taken["id"].(string) + "/reply"
	w.clock.Advance(6 * 24 * time.Hour)
	_, list := w.call(t, http.MethodGet, "/subject-requests", "")
	if first := list["items"].([]any)[0].(map[string]any); first["overdue"] != true || first["case"] != "2026/117" {
		t.Errorf("%v", first)
	}
	status, reply := w.call(t, http.MethodPost, path, "{}")
	if status != http.StatusOK || reply["outcome"] != "erased" || reply["erased"] != 1.0 || reply["kept"] != 1.0 || len(reply["refs_sha256"].(string)) != 64 {
		t.Fatalf("%d %v", status, reply)
	}
	if kept := reply["holdings"].([]any)[0].(map[string]any); kept["ref"] != string(wage) || kept["held"] != "kept_by_law" {
		t.Errorf("%v", kept)
	}
	if left := w.readable(t, ringer, wage); !cmp.Equal(left, []vault.Ref{wage}) {
		t.Errorf("left: %v", left)
	}
	for _, c := range []struct {
		path, body, code string
		status           int
	}{
		{path, "{}", "request_answered", http.StatusConflict},
		{"/subject-requests/7/reply", "{}", "request_unknown", http.StatusNotFound},
		{"/subject-requests", `{"kind":"erasure","case":"2026/117","document":"001090123457"}`, "case_used", http.StatusConflict},
		{"/subject-requests", `{"kind":"erasure","case":"Nguyễn_An","document":"1"}`, "invalid_body", http.StatusUnprocessableEntity},
		{"/subject-requests", `{"kind":"erasure","case":"nguyen.van.an","document":"1"}`, "invalid_body", http.StatusUnprocessableEntity},
		{"/subject-requests", `{"kind":"erasure","case":"7","document":"--"}`, "invalid_body", http.StatusUnprocessableEntity},
		{"/subject-requests", `{"kind":"erasure","case":"7","document":"1","received_at":"2025-12-31T00:00:00Z"}`, "invalid_body", http.StatusUnprocessableEntity},
		{"/subject-requests", `{"kind":"erasure","case":"7","document":"1","received_at":"2027-01-01T00:00:00Z"}`, "invalid_body", http.StatusUnprocessableEntity},
	} {
		if status, answer := w.call(t, http.MethodPost, c.path, c.body); status != c.status || answer["code"] != c.code {
			t.Errorf("%s %s: %d %v", c.path, c.body, status, answer)
		}
	}
	_, refused := w.call(t, http.MethodPost, "/subject-requests", `{"kind":"x","case":"#","document":"--","received_at":"2027-01-01T00:00:00Z"}`)
	if wrong := refused["errors"].([]any); len(wrong) != 3 || !strings.Contains(fmt.Sprint(wrong), "no_deadline") {
		t.Errorf("not every fault is said: %v", wrong)
	}
	_, taken = w.call(t, http.MethodPost, "/subject-requests", `{"kind":"access","case":"2026/118","document":"`+number+`"}`)
	_, reply = w.call(t, http.MethodPost, "/subject-requests/"+taken["id"].(string)+"/reply", "{}")
	if reply["outcome"] != "reported" || len(reply["holdings"].([]any)) != 1 || len(reply["readings"].([]any)) < 2 || reply["overdue"] != false {
		t.Errorf("%v", reply)
	}
	if _, list = w.call(t, http.MethodGet, "/subject-requests?answered=true&limit=1", ""); len(list["items"].([]any)) != 1 || list["next_cursor"] == "" {
		t.Errorf("%v", list)
	}
}

// The officer whose answer was lost sends the same again: it is the first answer, even when a colleague has replied since.
func TestARequestThatIsSentAgainGetsItsFirstAnswer(t *testing.T) {
	t.Parallel()
	w := newTower(t)
	const path, body = "/subject-requests", `{"kind":"erasure","case":"2026/117","document":"001090123456"}`
	w.seal(t, "ringer", "001090123456")
	first := w.send(t, "desk-1", http.MethodPost, path, body)
	_, open := w.call(t, http.MethodGet, path, "")
	id := open["items"].([]any)[0].(map[string]any)["id"].(string)
	for _, meanwhile := range []func(){
		func() {},
		func() { w.clock.Advance(30 * 24 * time.Hour) }, // it is overdue by now
		func() { w.call(t, http.MethodPost, path+"/"+id+"/reply", "{}") },
	} {
		meanwhile()
		again := w.send(t, "desk-1", http.MethodPost, path, body)
		if again.Code != http.StatusCreated || again.Header().Get("Idempotent-Replay") != "true" {
			t.Errorf("%d %v", again.Code, again.Header())
		}
		if diff := cmp.Diff(first.Body.String(), again.Body.String()); diff != "" {
			t.Errorf("(-first +again)\n%s", diff)
		}
	}
	var got []string
	for _, c := range [][2]string{
		{"desk-1", `{"kind":"erasure","case":"2026/117","document":"001090123457"}`}, {"desk-2", body}, {"", body},
	} {
		var refused struct{ Code string }
		answer := w.send(t, c[0], http.MethodPost, path, c[1])
		if err := json.Unmarshal(answer.Body.Bytes(), &refused); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(answer.Code, " ", refused.Code))
	}
	if diff := cmp.Diff([]string{"422 idempotency_key_reused", "409 case_used", "400 idempotency_key_required"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// remark adds a note to the bell of a ringer.
func (w *tower) remark(t *testing.T, ringer vault.Ref, text string) vault.Ref {
	t.Helper()
	note, err := w.Vault.SealNote(text, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Log.Append(t.Context(), eventstore.Append{
		Stream: "bell-" + string(ringer), Expected: 1, Facts: []events.Event{rung{Bell: string(note.Ref)}}, Secrets: []vault.Row{note},
	})
	if err != nil {
		t.Fatal(err)
	}
	return note.Ref
}

// A person who asks is told what their data says, with the remarks about them and without others in those, what is recorded
// about them, and what other services keep. As long as one of those cannot be asked, the request stays open.
func TestAPersonIsToldWhatIsKeptEverywhere(t *testing.T) {
	t.Parallel()
	w := newTower(t)
	const number = "001090123456"
	ringer := w.seal(t, "ringer", number)
	other := w.seal(t, "ringer", "001090123457")
	w.remark(t, other, "việc của người khác")
	note := w.remark(t, ringer, "nhầm với Trần Thị Hoa")
	_, taken := w.call(t, http.MethodPost, "/subject-requests", `{"kind":"access","case":"2026/1","document":"`+number+`"}`)
	path := "/subject-requests/" + taken["id"].(string) + "/reply"
	w.others = nil
	if status, answer := w.call(t, http.MethodPost, path, "{}"); status != http.StatusServiceUnavailable || answer["code"] != "elsewhere_unknown" {
		t.Fatalf("%d %v", status, answer)
	}
	w.others = []subject.Report{{Service: "bells", Holdings: []subject.Holding{{Content: "its part"}}}}
	status, reply := w.call(t, http.MethodPost, path, "{}")
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, reply)
	}
	type said struct {
		Ref     vault.Ref
		Content any
	}
	type told struct {
		Holdings  []said
		Facts     []struct{ Stream, Type string }
		Elsewhere []struct {
			Service  string
			Holdings []said
		}
	}
	want := told{
		Holdings: []said{{ringer, map[string]any{"name": "Nguyễn Văn An"}}, {note, map[string]any{"text": "nhầm với ***"}}},
		Facts:    []struct{ Stream, Type string }{{"bell-" + string(ringer), "tower.rung.v1"}, {"bell-" + string(ringer), "tower.rung.v1"}},
	}
	want.Elsewhere = append(want.Elsewhere, struct {
		Service  string
		Holdings []said
	}{"bells", []said{{Content: "its part"}}})
	var got told
	text, err := json.Marshal(reply)
	if err := errors.Join(err, json.Unmarshal(text, &got)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if read := w.recorded(t, ringer, note); len(read) != 3 || read[2].Kind != "report" || read[2].Actor != "officer:desk" || read[2].Case != "2026/1" {
		t.Errorf("recorded: %+v", read)
	}
}

// What the policies forbid is not answered, and the request stays open.
func TestThePoliciesHearForWhichCaseAPersonIsAnswered(t *testing.T) {
	t.Parallel()
	w := newTower(t, `@id("not-this-case")
@why("A test asks whether the policies hear of the purpose and the case.")
forbid (principal, action, resource) when { context.purpose == "access_request" && context.case == "2026/2" };`)
	const number = "001090123456"
	ringer := w.seal(t, "ringer", number)
	for file, want := range map[string]int{"2026/1": http.StatusOK, "2026/2": http.StatusForbidden} {
		_, taken := w.call(t, http.MethodPost, "/subject-requests", `{"kind":"access","case":"`+file+`","document":"`+number+`"}`)
		status, answer := w.call(t, http.MethodPost, "/subject-requests/"+taken["id"].(string)+"/reply", "{}")
		if status != want || want == http.StatusForbidden && answer["code"] != "purpose_not_allowed" {
			t.Errorf("%s: %d %v", file, status, answer)
		}
	}
	if read := w.recorded(t, ringer); len(read) != 2 {
		t.Errorf("recorded: %+v", read)
	}
	if _, open := w.call(t, http.MethodGet, "/subject-requests", ""); len(open["items"].([]any)) != 1 {
		t.Errorf("open are %v", open["items"])
	}
}

// A service that is asked by others erases nothing at a request, so rules that say otherwise stop it.
func TestWhoOnlyTellsHasNoRulesThatErase(t *testing.T) {
	t.Parallel()
	w := newTower(t)
	trail := func(_ context.Context, keys subject.Keys) (subject.Trail, error) {
		return subject.Trail{Streams: keys.Own, Follow: []string{"wage"}}, nil
	}
	if err := w.TellOfPeople(w.api, trail); err == nil || !strings.Contains(err.Error(), "ringer") {
		t.Errorf("the rules erase ringers at a request, and it was taken: %v", err)
	}
}

func TestAFactIsProvenToAnOutsider(t *testing.T) {
	t.Parallel()
	w := newTower(t)
	_, err := w.Log.Append(t.Context(), eventstore.Append{Stream: "bell-1", Facts: []events.Event{rung{Bell: "big"}, rung{Bell: "small"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Proof(t.Context(), "bell-1", 0); err == nil || !strings.Contains(err.Error(), "proof_pending") {
		t.Fatalf("proven before it was signed: %v", err)
	}
	if _, err := w.Witness.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	verifiers, err := witness.LoadVerifier(filepath.Join(w.data, "witness-tower.key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	for version, bell := range map[int]string{0: "small", 1: "big", 2: "small"} {
		receipt, err := w.Proof(t.Context(), "bell-1", version)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := receipt.Verify(verifiers); err != nil || !strings.Contains(receipt.Data, bell) {
			t.Errorf("version %d: %v, %s", version, err, receipt.Data)
		}
	}
	for stream, version := range map[string]int{"bell-1": 3, "bell-2": 0} {
		if _, err := w.Proof(t.Context(), stream, version); err == nil || !strings.Contains(err.Error(), "fact_unknown") {
			t.Errorf("%s %d: %v", stream, version, err)
		}
	}
}

func TestRulesThatCannotBeReadStopTheService(t *testing.T) {
	t.Parallel()
	d := deps(t)
	for _, spoil := range []func(string){
		func(path string) { d.Config.RetentionRules, d.Config.Holidays = path, "" },
		func(path string) { d.Config.RetentionRules, d.Config.Holidays = "", path },
	} {
		spoil(filepath.Join(d.Config.Data, "none"))
		d.Metrics = prometheus.NewRegistry()
		if f, err := foundation.Open(t.Context(), d, options()); err == nil {
			f.Close()
			t.Fatal("opened without rules")
		}
	}
}
