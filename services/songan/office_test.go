package songan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/testkit"
)

// lodges has the hotel notify a guest with a document of that number.
func (m *machine) lodges(t *testing.T, key, document string) {
	t.Helper()
	status, answer, err := m.call(t.Context(), http.MethodPost, "/accommodation/v1/notices", "hotel", key, map[string]any{
		"guest": map[string]any{
			"full_name": "Nguyễn Văn An", "birth_date": "1990-01-15", "sex": "male", "nationality": "VNM",
			"document": map[string]any{"type": "citizen_id", "number": document},
		},
		"arrived_at": time.Now().Format(time.RFC3339), "reason": "tourism",
	})
	if err != nil || status != http.StatusCreated {
		t.Fatalf("%d %s %v", status, answer, err)
	}
}

// A guest asks who read them, and then to be erased: through the commands, against the running system.
func TestAPersonLearnsWhoReadThemAndIsErased(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	t.Parallel()
	m := newMachine(t)
	m.start(t)
	const document = "001090123456"
	m.lodges(t, "erase-me", document)
	waitForChecks(t, m, 1) // the identity service reads the guest for it
	var report []struct {
		Service  string
		Holdings []struct{ Content map[string]any }
		Facts    []struct{ Type string }
		Readings []struct {
			Actor, Purpose string
			KeyIssuedBy    string `json:"key_issued_by"`
		}
	}
	stays := m.first(t, "/accommodation/v1/notices", "hotel")
	if status, answer, err := m.call(t.Context(), http.MethodGet, "/accommodation/v1/notices/"+stays["id"].(string), "hotel", "", nil); status != http.StatusOK || err != nil {
		t.Fatal(status, string(answer), err)
	}
	m.office(t, document, &report, "access-report", "--actor", "officer:lan", "--case", "2026/117")
	if own := report[0]; len(own.Holdings) != 1 || own.Holdings[0].Content["full_name"] != "Nguyễn Văn An" || len(own.Facts) < 2 {
		t.Errorf("what is kept: %+v", own)
	}
	readers := ""
	for _, of := range report {
		for _, r := range of.Readings {
			readers += of.Service + " " + r.Actor + " " + r.Purpose + " " + r.KeyIssuedBy + "\n"
		}
	}
	for _, want := range []string{"accommodation service:identity identity_check", "accommodation officer:lan access_report", " officer:demo-police\n"} {
		if !strings.Contains(readers, want) {
			t.Errorf("%q is missing in\n%s", want, readers)
		}
	}
	var proof []struct {
		Service string
		Refs    []string
	}
	for _, want := range []int{1, 0} { // and again
		m.office(t, document, &proof, "erase", "--actor", "officer:lan", "--case", "2026/118")
		if proof[0].Service != "accommodation" || len(proof[0].Refs) != want {
			t.Fatalf("erased %+v, want %d in accommodation", proof, want)
		}
	}
	var replayed []struct {
		Service string
		Refs    int
	}
	m.office(t, "", &replayed, "replay-erasures")
	if replayed[0].Refs != 1 {
		t.Errorf("%+v", replayed)
	}
	var breach struct {
		NotifyBy time.Time `json:"notify_by"`
		Services []struct{ Refs []string }
	}
	m.office(t, "", &breach, "breach", "--key", "service:identity", "--from", time.Now().Add(-time.Hour).Format(time.RFC3339),
		"--discovered", "2026-11-21T08:00:00+07:00")
	if len(breach.Services[0].Refs) != 1 || !breach.NotifyBy.Equal(time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", breach)
	}
	m.retentionIsReported(t)
}

// retentionIsReported reads what is kept, and fails when something is kept that no rule speaks of.
func (m *machine) retentionIsReported(t *testing.T) {
	t.Helper()
	var kept []struct {
		Service string
		Terms   []struct {
			Purpose    string
			LegalBasis string `json:"legal_basis"`
			Rows, Due  int
			Before     time.Time
		}
		WithoutRule []string `json:"without_rule"`
	}
	m.office(t, "", &kept, "retention")
	const services = 4
	if len(kept) != services {
		t.Fatalf("%+v", kept)
	}
	for _, of := range kept {
		rows := 0
		for _, term := range of.Terms {
			if rows += term.Rows; term.Due != 0 || term.LegalBasis == "" || term.Before.After(time.Now().AddDate(-4, 0, 0)) {
				t.Errorf("%s: %+v", of.Service, term)
			}
		}
		if len(of.WithoutRule) > 0 || of.Service == "accommodation" && rows == 0 {
			t.Errorf("%+v", of)
		}
	}
}

// A person's request is taken, shown to whoever watches the deadlines, and answered, over HTTP.
func TestAPersonsRequestIsAnsweredOverHTTP(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	t.Parallel()
	m := newMachine(t)
	m.start(t)
	const document = "001090123457"
	m.lodges(t, "ask-me", document)
	taken := m.make(t, "admin", "/accommodation/v1/subject-requests", map[string]any{"kind": "erasure", "case": "2026/119", "document": document})
	var waiting []struct {
		Case    string
		Overdue bool
	}
	m.office(t, "", &waiting, "requests")
	if len(waiting) != 1 || waiting[0].Case != "2026/119" || waiting[0].Overdue {
		t.Errorf("%+v", waiting)
	}
	status, answer, err := m.call(t.Context(), http.MethodPost, "/accommodation/v1/subject-requests/"+taken["id"]+"/reply", "admin", "", struct{}{})
	if err != nil || status != http.StatusOK || !strings.Contains(string(answer), `"outcome":"erased"`) || strings.Contains(string(answer), document) {
		t.Fatalf("%d %s %v", status, answer, err)
	}
	if m.office(t, "", &waiting, "requests"); len(waiting) != 0 {
		t.Errorf("%+v", waiting)
	}
}

// Whoever a bank is being asked about is not erased, over HTTP or by the command, and is when that is over. The service asks
// the other one over HTTP, the command asks the databases.
func TestWhoABankHasToBeToldOfIsNotErased(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	t.Parallel()
	m := newMachine(t)
	m.start(t)
	const document = "001050000321"
	b := m.make(t, "lisa", "/accounts/v1/beneficiaries", map[string]any{
		"person": map[string]any{
			"full_name": "Nguyễn Văn An", "birth_date": "1950-01-15", "sex": "male",
			"document":  map[string]any{"type": "citizen_id", "number": document},
			"residence": map[string]any{"text": "12 Đội Cấn", "unit": ourUnit},
		}, "file_number": "BTXH-321", "unit": ourUnit,
	})
	batch := "/accounts/v1/issuances/" + m.make(t, "lisa", "/accounts/v1/issuances", map[string]any{
		"unit": ourUnit, "bank": "ICBVVNVX", "beneficiaries": []string{b["id"]},
	})["id"]
	step := func(path, actor string, body any) string {
		status, answer, err := m.call(t.Context(), http.MethodPost, path, actor, fmt.Sprint("step-", path, time.Now().UnixNano()), body)
		if err != nil || status != http.StatusOK {
			t.Fatalf("%s: %d %s %v", path, status, answer, err)
		}
		return string(answer)
	}
	reply := func(file string) string {
		taken := m.make(t, "admin", "/accounts/v1/subject-requests", map[string]any{"kind": "erasure", "case": file, "document": document})
		return step("/accounts/v1/subject-requests/"+taken["id"]+"/reply", "admin", struct{}{})
	}
	m.beneficiaryIsTold(t, b["id"], document)
	step(batch+"/submission", "lisa", struct{}{})
	if answer := reply("2026/1"); !strings.Contains(answer, `"outcome":"kept"`) || !strings.Contains(answer, `"held":"account_requested"`) {
		t.Errorf("over HTTP: %s", answer)
	}
	erase := []string{"erase", "--actor", "officer:lan", "--case", "2026/2", "--services", "accounts"}
	c := exec.CommandContext(t.Context(), m.binary, erase...)
	c.Env, c.Stdin = m.env, strings.NewReader(document)
	if out, err := c.Output(); err == nil || !strings.Contains(string(out), "account_requested") || strings.Contains(string(out), document) {
		t.Errorf("by the command: %v\n%s", err, out)
	}
	step(batch+"/rejection", "chairman", map[string]any{"reason": "kiểm tra lại"})
	var proof []struct{ Refs []string }
	if m.office(t, document, &proof, erase...); len(proof) != 1 || len(proof[0].Refs) != 1 {
		t.Errorf("nothing stands against it: %+v", proof)
	}
	if answer := reply("2026/3"); !strings.Contains(answer, `"outcome":"nothing_found"`) {
		t.Errorf("erased before: %s", answer)
	}
	m.audit(t)
}

// beneficiaryIsTold asks what is kept of a beneficiary who has a right to money: over HTTP, where accounts asks the others, and by
// the command, which asks the databases. Both say the same.
func (m *machine) beneficiaryIsTold(t *testing.T, id, document string) {
	t.Helper()
	month := time.Now().Format("2006-01")
	testkit.Eventually(t, func() error { // disbursement hears of people over Kafka
		status, answer, err := m.call(t.Context(), http.MethodPost, "/disbursement/v1/enrolments", "lisa", fmt.Sprint("enrol-", time.Now().UnixNano()), map[string]any{
			"beneficiary": id, "programme": "social_pension", "category": "social_pension",
			"decision": map[string]any{"number": "321/QĐ", "signed_on": month + "-01"},
		})
		if err != nil || status != http.StatusCreated {
			return fmt.Errorf("%d %s %w", status, answer, err)
		}
		return nil
	})
	type kept struct {
		Service  string
		Holdings []struct {
			Purpose string
			Content map[string]any
		}
	}
	words := func(reports []kept) (all []string) {
		for _, r := range reports {
			for _, h := range r.Holdings {
				all = append(all, fmt.Sprintf("%s %s %v%v", r.Service, h.Purpose, h.Content["full_name"], h.Content["category"]))
			}
		}
		slices.Sort(all)
		return all
	}
	want := []string{"accounts beneficiary Nguyễn Văn An<nil>", "disbursement enrolment_profile <nil>social_pension"}
	taken := m.make(t, "admin", "/accounts/v1/subject-requests", map[string]any{"kind": "access", "case": "2026/0", "document": document})
	status, answer, err := m.call(t.Context(), http.MethodPost, "/accounts/v1/subject-requests/"+taken["id"]+"/reply", "admin", "", struct{}{})
	var told struct {
		kept
		Elsewhere []kept
	}
	if err := errors.Join(err, json.Unmarshal(answer, &told)); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s %v", status, answer, err)
	}
	told.Service = "accounts"
	if diff := cmp.Diff(want, words(append(told.Elsewhere, told.kept))); diff != "" {
		t.Errorf("over HTTP (-want +got)\n%s", diff)
	}
	var reports []kept
	m.office(t, document, &reports, "access-report", "--actor", "officer:lan", "--case", "2026/0")
	if diff := cmp.Diff(want, words(reports)); diff != "" || len(reports) != 4 {
		t.Errorf("by the command (-want +got)\n%s", diff)
	}
}

// A hotel's receipt is checked by the command, offline, with the public key alone.
func TestAReceiptOverHTTPIsCheckedOffline(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	t.Parallel()
	m := newMachine(t)
	m.start(t)
	made := m.make(t, "hotel", "/accommodation/v1/notices", stay(1, time.Now()))
	var receipt []byte
	testkit.Eventually(t, func() error {
		status, answer, err := m.call(t.Context(), http.MethodGet, "/accommodation/v1/notices/"+made["id"]+"/proof", "hotel", "", nil)
		if receipt = answer; err != nil || status != http.StatusOK {
			return fmt.Errorf("%d %s %w", status, answer, err)
		}
		return nil
	})
	check := func(receipt string) (string, error) {
		c := exec.CommandContext(t.Context(), m.binary, "check-receipt", "--key", filepath.Join(m.dir, "data", "witness-accommodation.key.pub"))
		c.Stdin = strings.NewReader(receipt)
		out, err := c.Output()
		return string(out), err
	}
	if said, err := check(string(receipt)); err != nil || !strings.Contains(said, "accommodation.stay_notified.v1 of notice-"+made["id"]) {
		t.Errorf("%s %v", said, err)
	}
	if said, err := check(strings.Replace(string(receipt), made["id"], strings.Repeat("a", len(made["id"])), 1)); err == nil {
		t.Errorf("a forged receipt is good: %s", said)
	}
}

// office runs a command of the operators' and reads what it prints, in which the number must not stand unless it is the person's
// own report.
func (m *machine) office(t *testing.T, input string, into any, args ...string) {
	t.Helper()
	if err := m.tried(t, input, into, args...); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) tried(t *testing.T, input string, into any, args ...string) error {
	t.Helper()
	c := exec.CommandContext(t.Context(), m.binary, args...)
	c.Env, c.Stdin = m.env, strings.NewReader(input)
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	if err := c.Run(); err != nil {
		return fmt.Errorf("%v: %w\n%s", args, err, said.String())
	}
	told := args[0] == "access-report"
	if input != "" && (strings.Contains(said.String(), input) || strings.Contains(out.String(), input) != told) {
		t.Errorf("%v repeats the number", args)
	}
	if err := json.Unmarshal(out.Bytes(), into); err != nil {
		return fmt.Errorf("%v: %w\n%s", args, err, out.String())
	}
	return nil
}

// judged is what is said about the rows of a tree.
type judged struct {
	Rows, Signed int
	Findings     []struct {
		Kind     string
		Position int
	}
}

// foundOut reads what is found about the logs of accommodation, which is something.
func (m *machine) foundOut(t *testing.T, report any, env ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), m.binary, "verify", "--services", "accommodation")
	c.Env = append(slices.Clip(m.env), env...)
	out, err := c.Output()
	if err == nil || c.ProcessState.ExitCode() != 1 {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := json.Unmarshal(out, report); err != nil {
		t.Fatal(err)
	}
}

// withoutCheckpoints verifies with files that somebody has emptied, where the configuration says that they are.
func (m *machine) withoutCheckpoints(t *testing.T) {
	t.Helper()
	empty := t.TempDir()
	for _, name := range []string{"accommodation", "accommodation.readings"} {
		if err := os.WriteFile(filepath.Join(empty, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var report []struct {
		judged

		Readings judged
	}
	m.foundOut(t, &report, "SONGAN_WITNESS_FILE="+filepath.Join(empty, "{service}"))
	for _, of := range []judged{report[0].judged, report[0].Readings} {
		if len(of.Findings) != 1 || of.Findings[0].Kind != "unsigned" {
			t.Errorf("without checkpoints: %+v", of)
		}
	}
}

// A superuser of the database changes a fact, and takes a reading out of the register: the signed checkpoints say so, and which
// ones it were.
func TestSomebodyWhoWasAtALogIsFoundOut(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	t.Parallel()
	m := newMachine(t)
	m.start(t)
	conn, err := pgx.Connect(t.Context(), strings.Replace(m.demo.Postgres, "/postgres?", "/accommodation?", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	const reading = `insert into vault_readings (at, kind, actor, purpose, case_ref, refs)
		values (now(), 'name', 'officer:lan', 'curiosity', '1', '{}') returning id`
	var trace int
	if err := conn.QueryRow(t.Context(), reading).Scan(&trace); err != nil {
		t.Fatal(err)
	}
	var report []struct {
		judged

		Service  string
		Readings judged
	}
	testkit.Eventually(t, func() error {
		err := m.tried(t, "", &report, "verify")
		if err != nil && strings.Contains(err.Error(), "no such file") { // the first checkpoints are not signed yet
			return err
		}
		if err != nil {
			t.Fatal(err)
		}
		log, register := report[0].judged, report[0].Readings
		if report[0].Service != "accommodation" || log.Rows == 0 || log.Signed < log.Rows || register.Signed < trace {
			return fmt.Errorf("%+v", report)
		}
		return nil
	})
	m.withoutCheckpoints(t)
	const forge = `alter table events disable trigger all; update events set data = (data::jsonb || '{"kind":"household"}'::jsonb)::json where position = 1; alter table events enable trigger all`
	if _, err := conn.Exec(t.Context(), forge); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `delete from vault_readings where id = $1`, trace); err != nil {
		t.Fatal(err)
	}
	report = nil
	m.foundOut(t, &report)
	for what, found := range map[string]struct {
		judged

		kinds    string
		position int
	}{"the log": {report[0].judged, "changed", 1}, "the register": {report[0].Readings, "removed cut", trace}} {
		if len(found.Findings) == 0 || !strings.Contains(found.kinds, found.Findings[0].Kind) || found.Findings[0].Position != found.position {
			t.Errorf("%s: %+v", what, found.Findings)
		}
	}
}
