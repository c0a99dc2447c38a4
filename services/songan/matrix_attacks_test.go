package songan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/signin"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday"
)

// An attacker with a good token of their own names what belongs to others: in paths, bodies, filters and cursors. What is
// others' is never told from what does not exist.
func TestAGoodTokenDoesNotReachWhatIsOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	t.Parallel()
	m := newMachine(t)
	file := filepath.Join(t.TempDir(), "keys.json")
	all := hireAll(t, file)
	insider := hireInsider(t, file)
	m.env = append(m.env, "SONGAN_ACCESS_KEYS="+file)
	m.start(t)
	const people = 18
	o := m.payday(t, "attacks", people)
	o.Out = &bytes.Buffer{}
	if err := payday.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	a := &attack{machine: m, t: t, client: newVisitor(t, m).client, tokens: all, insider: insider, after: map[string]string{}}
	a.acrossFacilities()
	a.acrossCommunes()
	a.acrossManagers()
	a.suspended()
	a.cutOff()
	a.fourEyes()
	a.withoutSecondFactor()
	a.withSomebodysCookie()
	m.audit(t)
	m.stop(t)
}

type attack struct {
	*machine
	t      *testing.T
	client *http.Client
	tokens tokens
	// insider are keys of one person in several roles, see matrix_eyes_test.go.
	insider map[access.Role]string
	sent    int
	// after holds, by service, the position of the last change: a list that is asked for next shows it.
	after map[string]string
}

// try sends a request with a token.
func (a *attack) try(method, path, token, key string, body any) page {
	a.t.Helper()
	a.sent++
	header := map[string]string{"Authorization": "Bearer " + token, "Idempotency-Key": key}
	if key == "" {
		header["Idempotency-Key"] = fmt.Sprint("attack-", a.sent)
	}
	_, service, _ := strings.Cut(path, "/")
	service, _, _ = strings.Cut(service, "/")
	if after := a.after[service]; after != "" {
		header["Songan-After"] = after
	}
	content := []byte{}
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			a.t.Fatal(err)
		}
	}
	v := &visitor{machine: a.machine, t: a.t, client: a.client}
	var answer page
	testkit.Eventually(a.t, func() error { // the read model may be busy for longer than the service waits for it
		if answer = v.do(method, path, "application/json", string(content), header); answer.code() == "position_not_reached" {
			return errors.New(answer.body)
		}
		return nil
	})
	if position := answer.header.Get("Songan-Position"); position != "" && method != http.MethodGet {
		a.after[service] = position
	}
	return answer
}

func (a *attack) wants(what string, got page, status int, code string) {
	a.t.Helper()
	if got.status != status || !strings.Contains(got.body, code) {
		a.t.Errorf("%s: answered %d %.300s, want %d %s", what, got.status, got.body, status, code)
	}
}

// like fails unless what is others' and what does not exist are answered alike.
func (a *attack) like(what string, others, nobodys page) {
	a.t.Helper()
	if others.status != nobodys.status || others.code() != nobodys.code() || others.status < http.StatusBadRequest {
		a.t.Errorf("%s: answered %d %s, and %d %s when there is no such thing", what, others.status, others.code(), nobodys.status, nobodys.code())
	}
}

func (a *attack) acrossFacilities() {
	a.t.Helper()
	hotel, hospital := a.demo.Actors["hotel"], a.demo.Actors["hospital"]
	const notices = "/accommodation/v1/notices"
	body := stay(1, time.Now())
	first := a.try(http.MethodPost, notices, hotel.Token, "the-same-key", body)
	a.try(http.MethodPost, notices, hotel.Token, "", stay(2, time.Now()))
	second := a.try(http.MethodPost, notices, hospital.Token, "the-same-key", body)
	id, copied := idOf(a.t, first), idOf(a.t, second)
	if id == copied || second.header.Get("Idempotent-Replay") != "" {
		a.t.Error("an idempotency key of one facility answers another with its notice")
	}
	a.wants("another key of theirs", a.try(http.MethodPost, notices, hospital.Token, "the-same-key", stay(3, time.Now())), http.StatusUnprocessableEntity, "idempotency_key_reused")
	child := stay(4, time.Now())
	child["accompanied_by"] = id
	others := a.try(http.MethodPost, notices, hospital.Token, "", child)
	child["accompanied_by"] = "abcdefghijklmnopqrstuvwxyz"
	a.like("a companion in another facility", others, a.try(http.MethodPost, notices, hospital.Token, "", child))

	listed := a.try(http.MethodGet, notices+"?limit=1", hotel.Token, "", nil)
	var list struct {
		Next string `json:"next_cursor"`
	}
	if err := json.Unmarshal([]byte(listed.body), &list); err != nil || list.Next == "" {
		a.t.Fatalf("a page without a next one: %v %s", err, listed.body)
	}
	for _, query := range []string{"?facility=" + hotel.Facility, "?limit=200", "?limit=200&cursor=" + url.QueryEscape(list.Next), "?unit=" + ourUnit} {
		got := a.try(http.MethodGet, notices+query, hospital.Token, "", nil)
		if got.status != http.StatusOK || strings.Contains(got.body, hotel.Facility) || strings.Contains(got.body, id) {
			a.t.Errorf("the hospital asks for %s and hears of the hotel: %d %s", query, got.status, got.body)
		}
	}
	far := a.tokens.other[access.CommunePolice]
	for _, query := range []string{"?facility=" + hotel.Facility, "?unit=" + ourUnit, "?cursor=" + url.QueryEscape(list.Next), "?persons=true"} {
		if got := a.try(http.MethodGet, notices+query, far, "", nil); got.status != http.StatusOK || strings.Contains(got.body, hotel.Facility) {
			a.t.Errorf("the police of another commune asks for %s: %d %s", query, got.status, got.body)
		}
	}
	key := a.issue(hotel.Facility)
	a.like("another facility's key", a.try(http.MethodDelete, "/accommodation/v1/facilities/"+hospital.Facility+"/keys/"+key["key"], a.demo.Actors["police"].Token, "", nil),
		a.try(http.MethodDelete, "/accommodation/v1/facilities/"+hospital.Facility+"/keys/nothing", a.demo.Actors["police"].Token, "", nil))
	if got := a.try(http.MethodGet, notices, key["token"], "", nil); got.status != http.StatusOK {
		a.t.Errorf("the key was revoked through another facility: %d", got.status)
	}
}

func idOf(t *testing.T, p page) string {
	t.Helper()
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(p.body), &made); err != nil || made.ID == "" {
		t.Fatalf("%d %s", p.status, p.body)
	}
	return made.ID
}

// issue gets a key for a facility.
func (a *attack) issue(facility string) map[string]string {
	a.t.Helper()
	return a.make(a.t, "police", "/accommodation/v1/facilities/"+facility+"/keys", struct{}{})
}

func (a *attack) acrossCommunes() {
	a.t.Helper()
	far := a.tokens.other[access.LISAOfficer]
	ours := a.first(a.t, "/accounts/v1/beneficiaries?unit="+ourUnit, "lisa")["id"]
	payroll, other := a.first(a.t, "/disbursement/v1/payrolls", "lisa")["id"].(string), a.first(a.t, "/disbursement/v1/payrolls", "lisa_"+otherUnit)["id"].(string)
	line := a.first(a.t, "/disbursement/v1/payrolls/"+payroll+"/lines", "lisa")["id"].(string)
	const nobody = "abcdefghijklmnopqrstuvwxyz"
	issuance := func(who any) page {
		return a.try(http.MethodPost, "/accounts/v1/issuances", far, "", map[string]any{"unit": otherUnit, "bank": "ICBVVNVX", "beneficiaries": []any{who}})
	}
	a.like("an account for somebody of another commune", issuance(ours), issuance(nobody))
	enrolment := func(who any) page {
		return a.try(http.MethodPost, "/disbursement/v1/enrolments", far, "", map[string]any{
			"beneficiary": who, "programme": "social_assistance", "category": "disabled_severe",
			"decision": map[string]any{"number": "1/QĐ", "signed_on": "2026-11-01"},
		})
	}
	a.like("a decision for somebody of another commune", enrolment(ours), enrolment(nobody))
	read := func(path string) page { a.t.Helper(); return a.try(http.MethodGet, path, far, "", nil) }
	a.like("a line of another commune's list, through one's own", read("/disbursement/v1/payrolls/"+other+"/lines/"+line), read("/disbursement/v1/payrolls/"+other+"/lines/"+nobody))
	for _, path := range []string{
		"/accounts/v1/accounts?beneficiary=" + ours.(string), "/disbursement/v1/enrolments?beneficiary=" + ours.(string),
		"/disbursement/v1/payments?beneficiary=" + ours.(string), "/disbursement/v1/payments?payroll=" + payroll,
		"/disbursement/v1/ledger/entries?payroll=" + payroll, "/accounts/v1/accounts?unit=" + ourUnit, "/accounts/v1/accounts?unit=01",
		"/accounts/v1/beneficiaries?unit=01&persons=true", "/disbursement/v1/payrolls/" + other + "/lines?beneficiary=" + ours.(string),
	} {
		if got := read(path); got.status == http.StatusOK && (strings.Contains(got.body, ours.(string)) || strings.Contains(got.body, payroll)) {
			a.t.Errorf("an officer of another commune asks for %s: %s", path, got.body)
		}
	}
	// A bank's token opens its own channel alone; its topics are guarded by the broker, see services/bankgateway.
	banks := a.try(http.MethodGet, "/bankgateway/v1/banks", a.tokens.own[access.Bank], "", nil)
	if banks.status != http.StatusOK || strings.Count(banks.body, `"bank":`) != 1 || !strings.Contains(banks.body, "ICBVVNVX") {
		a.t.Errorf("a bank asks for the channels: %d %s", banks.status, banks.body)
	}
	for _, path := range []string{"/accounts/v1/accounts?bank=ICBVVNVX", "/disbursement/v1/payments?bank=ICBVVNVX"} {
		a.wants("a bank asks for "+path, a.try(http.MethodGet, path, a.tokens.own[access.Bank], "", nil), http.StatusForbidden, "role_not_allowed")
	}
}

// suspended shows that a suspension ends everything at once, and that reinstatement does not revive a revoked key.
func (a *attack) suspended() {
	a.t.Helper()
	inn := a.make(a.t, "police", "/accommodation/v1/facilities", map[string]any{"name": "Nhà nghỉ", "kind": "tourist", "unit": ourUnit, "address": "3 phố Trấn Vũ"})
	here := "/accommodation/v1/facilities/" + inn["id"]
	key, revoked := a.issue(inn["id"]), a.issue(inn["id"])
	police := a.demo.Actors["police"].Token
	reason := map[string]any{"reason": "kiểm tra"}
	notify := func(token string) page {
		return a.try(http.MethodPost, "/accommodation/v1/notices", token, "", stay(9, time.Now()))
	}
	// What the police did not give out is refused as well: the operators' file stands here for all that is no key of the facility's.
	file, manager := a.hire(a.t, access.Principal{Role: access.Facility, Facility: inn["id"]}), a.hire(a.t, access.Principal{Role: access.FacilityManager, Facility: inn["id"]})
	a.wants("before", notify(key["token"]), http.StatusCreated, "receipt")
	a.wants("before", notify(file), http.StatusCreated, "receipt")
	a.wants("before", a.try(http.MethodGet, here+"/keys", manager, "", nil), http.StatusOK, "")
	a.wants("revocation", a.try(http.MethodDelete, here+"/keys/"+revoked["key"], police, "", nil), http.StatusOK, "")
	a.wants("a revoked key", notify(revoked["token"]), http.StatusUnauthorized, "key_revoked")
	a.wants("suspension", a.try(http.MethodPost, here+"/suspension", police, "", reason), http.StatusOK, "")
	for _, path := range []string{"/notices", "/statistics", "/facilities"} {
		a.wants("suspended, "+path, a.try(http.MethodGet, "/accommodation/v1"+path, key["token"], "", nil), http.StatusUnauthorized, "key_suspended")
	}
	a.wants("suspended", notify(key["token"]), http.StatusUnauthorized, "key_suspended")
	a.wants("suspended, a key of the operators' file", notify(file), http.StatusForbidden, "facility_suspended")
	a.wants("suspended, its manager", a.try(http.MethodPost, here+"/keys", manager, "", struct{}{}), http.StatusForbidden, "facility_suspended")
	if late := a.try(http.MethodPost, here+"/keys", police, "", struct{}{}); late.status == http.StatusCreated {
		var made struct{ Token string }
		_ = json.Unmarshal([]byte(late.body), &made)
		a.wants("a key that was issued during the suspension", notify(made.Token), http.StatusUnauthorized, "key_suspended")
	}
	a.wants("reinstatement", a.try(http.MethodPost, here+"/reinstatement", police, "", reason), http.StatusOK, "")
	a.wants("reinstated", notify(key["token"]), http.StatusCreated, "receipt")
	a.wants("reinstated", notify(file), http.StatusCreated, "receipt")
	a.wants("a revoked key after the reinstatement", notify(revoked["token"]), http.StatusUnauthorized, "key_revoked")
}

// cutOff has an administrator cut a police officer off, who made themselves a key of a facility.
func (a *attack) cutOff() {
	a.t.Helper()
	hotel, officer := a.demo.Actors["hotel"].Facility, "officer-of-yesterday"
	theirs := a.hire(a.t, access.Principal{ID: officer, Role: access.CommunePolice, Unit: ourUnit})
	given := a.try(http.MethodPost, "/accommodation/v1/facilities/"+hotel+"/keys", theirs, "", struct{}{})
	var key struct{ Token string }
	if err := json.Unmarshal([]byte(given.body), &key); err != nil || key.Token == "" {
		a.t.Fatalf("%d %s", given.status, given.body)
	}
	read := func(token string) page {
		return a.try(http.MethodGet, "/accommodation/v1/notices?limit=1", token, "", nil)
	}
	a.wants("a key that an officer gave out", read(key.Token), http.StatusOK, "")
	admin := a.demo.Actors["admin"].Token
	byNumber := a.try(http.MethodPost, "/auth/v1/people/001090123456/revocation", admin, "", nil)
	a.wants("cut somebody off by their number", byNumber, http.StatusUnprocessableEntity, "looks_like_a_person")
	a.wants("cut off", a.try(http.MethodPost, "/auth/v1/people/"+officer+"/revocation", admin, "", nil), http.StatusOK, "")
	testkit.Within(a.t, 30*time.Second, func() error { // what is known of a key is believed for five seconds
		if got := read(key.Token); got.code() != "key_revoked" {
			return fmt.Errorf("the key of who was cut off: %d %s", got.status, got.code())
		}
		return nil
	})
	a.wants("a key that somebody else gave out", read(a.demo.Actors["hotel"].Token), http.StatusOK, "")
}

// withoutSecondFactor takes the second factor away from the sessions of those who handle money: nothing is theirs then.
func (a *attack) withoutSecondFactor() {
	a.t.Helper()
	for _, name := range []string{"chairman", "treasurer"} {
		v := newVisitor(a.t, a.machine)
		v.signIn(name)
		if got := v.get("/disbursement/v1/payrolls"); got.status != http.StatusOK {
			a.t.Fatalf("%s signed in and hears %d %s", name, got.status, got.body)
		}
		a.planting(a.t, signin.Name, `update signin_sessions set strong = false where person = $1`, "demo-"+name)
		for _, path := range []string{"/disbursement/v1/payrolls", "/disbursement/v1/programmes", "/accounts/v1/beneficiaries", "/accounts/v1/issuances"} {
			a.wants(name+" without a second factor, "+path, v.get(path), http.StatusForbidden, "second_factor_required")
		}
		payroll := a.first(a.t, "/disbursement/v1/payrolls", "lisa")["id"].(string)
		for _, act := range []string{"approval", "release", "closure"} {
			a.wants(name+" without a second factor, "+act, v.post("/disbursement/v1/payrolls/"+payroll+"/"+act, "{}"), http.StatusForbidden, "second_factor_required")
		}
	}
}

// withSomebodysCookie has the browser of an officer send what other pages make it send, and what is left after the end.
func (a *attack) withSomebodysCookie() {
	a.t.Helper()
	v := newVisitor(a.t, a.machine)
	v.signIn("lisa")
	good, body := v.csrf, `{"unit":"`+ourUnit+`","programme":"social_pension","month":"2026-11"}`
	for _, path := range []string{"/disbursement/v1/payrolls", "/accounts/v1/beneficiaries", "/accounts/v1/issuances", "/disbursement/v1/enrolments/batch"} {
		for what, header := range map[string]map[string]string{
			"no token":     {},
			"a wrong one":  {"Songan-CSRF": "x"},
			"another site": {"Songan-CSRF": good, "Sec-Fetch-Site": "cross-site"},
			"its origin":   {"Songan-CSRF": good, "Origin": "https://evil.example"},
		} {
			header["Idempotency-Key"] = "csrf-" + what
			for _, media := range []string{"application/json", "text/plain", "application/x-www-form-urlencoded"} {
				a.wants(path+" with a cookie and "+what, v.do(http.MethodPost, path, media, body, header), http.StatusForbidden, "csrf_token_required")
			}
		}
	}
	if got := v.post("/disbursement/v1/payrolls", body); got.status == http.StatusForbidden || got.status == http.StatusUnauthorized {
		a.t.Errorf("our own page: %d %s", got.status, got.body)
	}
	at, _ := url.Parse(a.demo.BaseURL)
	kept := v.client.Jar.Cookies(at)
	if got := v.post("/auth/v1/logout", "{}"); got.status != http.StatusOK {
		a.t.Fatalf("logout: %d %s", got.status, got.body)
	}
	v.client.Jar.SetCookies(at, kept)
	a.wants("a cookie from before the end", v.get("/disbursement/v1/payrolls"), http.StatusUnauthorized, "session_ended")
}
