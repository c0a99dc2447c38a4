package disbursement_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/testkit/policytest"
)

// Whatever is wrong with a decision is said at once, and nothing is stored.
func TestADecisionThatIsWrongIsRefused(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.someone(t, "b1", unit, vietcombank)
	o.someone(t, "b2", other, vietcombank)
	o.people.know(profile{Beneficiary: "dead", Unit: unit, Mark: "mdead", BirthDate: "1950", DiedOn: "2026-11-01"})
	with := func(changes object) object {
		body := decision("b1", "social_assistance", "c5a", "2026-11-02")
		for name, value := range changes {
			body[name] = value
		}
		return body
	}
	for _, c := range []struct {
		name   string
		body   object
		faults []string
	}{
		{"nobody of that name", with(object{"beneficiary": "nobody"}), []string{"/beneficiary beneficiary_unknown"}},
		{"somebody of another commune", with(object{"beneficiary": "b2"}), []string{"/beneficiary beneficiary_unknown"}},
		{"somebody who died", with(object{"beneficiary": "dead"}), []string{"/beneficiary beneficiary_died"}},
		{"another programme's category", with(object{"category": "social_pension"}), []string{"/category category_unknown"}},
		{"no programme", with(object{"programme": "lottery"}), []string{"/programme programme_unknown"}},
		{"a single parent without children", with(object{"category": "c4"}), []string{"/facts/children children_outside"}},
		{"children who do not count", with(object{"facts": object{"children": 2}}), []string{"/facts/children children_unexpected"}},
		{"a decision of tomorrow", with(object{"decision": object{"number": "1", "signed_on": "2026-11-22"}}), []string{"/decision/signed_on signed_in_future"}},
		{"a decision of 1900", with(object{"decision": object{"number": "1", "signed_on": "1900-01-01"}}), []string{"/decision/signed_on signed_too_early"}},
		{"no calendar's day", with(object{"decision": object{"number": "1", "signed_on": "2026-02-30"}}), []string{"/decision/signed_on impossible_date"}},
		{"a person's number", with(object{"decision": object{"number": "001090123456", "signed_on": "2026-11-02"}}), []string{"/decision/number looks_like_a_person"}},
		{"a start long after", with(object{"decision": object{"number": "1", "signed_on": "2026-09-02", "starts_from": "2026-11"}}), []string{"/decision/starts_from starts_too_late"}},
		{"no calendar's month", with(object{"decision": object{"number": "1", "signed_on": "2026-09-02", "starts_from": "2026-13"}}), []string{"/decision/starts_from wrong_format"}},
		{"a start before", with(object{"decision": object{"number": "1", "signed_on": "2026-09-02", "starts_from": "2026-08"}}), []string{"/decision/starts_from starts_before_signature"}},
		{"paid next month", with(object{"paid_until": "2026-12"}), []string{"/paid_until paid_in_future"}},
		{"paid before the right", with(object{"paid_until": "2026-10"}), []string{"/paid_until paid_before_right"}},
		{"paid in no month", with(object{"paid_until": "11-2026"}), []string{"/paid_until wrong_format"}},
		{"paid in the year 0", with(object{"paid_until": "0000-11"}), []string{"/paid_until month_impossible"}},
		{"an unknown member", with(object{"amount": 1}), []string{"/amount unknown_field"}},
		{
			"nearly everything",
			object{"beneficiary": "dead", "programme": "lottery", "category": "c9", "decision": object{"number": "1", "signed_on": "2030-01-01"}},
			[]string{
				"/beneficiary beneficiary_died", "/category category_unknown", "/decision/signed_on signed_in_future", "/programme programme_unknown",
			},
		},
		{"a month of the year 0", with(object{"decision": object{"number": "1", "signed_on": "2026-11-02", "starts_from": "0000-11"}}), []string{
			"/decision/starts_from month_impossible",
		}},
		{
			"form, person, paper and law",
			object{
				"beneficiary": "dead", "programme": "social_assistance", "category": "c4", "amount": 1, "facts": object{"children": "two"},
				"decision": object{"number": "#", "signed_on": "2030-01-01", "starts_from": "2026-11"},
			},
			[]string{
				"/amount unknown_field", "/beneficiary beneficiary_died", "/decision/number wrong_format", "/decision/signed_on signed_in_future",
				"/decision/starts_from starts_before_signature", "/facts/children wrong_type",
			},
		},
		{
			"a paper without its day, for an unknown category", with(object{"category": 7, "facts": object{"children": 2}, "decision": object{"starts_from": "2026-11"}}),
			[]string{"/category wrong_type", "/decision/number required", "/decision/signed_on required"},
		},
	} {
		refused := o.Post(t, "lisa", "/enrolments", "bad-"+strings.ReplaceAll(c.name, " ", "-"), c.body)
		refused.Want(t, http.StatusUnprocessableEntity)
		got := refused.Faults(t)
		slices.Sort(got)
		if diff := cmp.Diff(c.faults, got); diff != "" {
			t.Errorf("%s: %s\n%s", c.name, diff, refused.Body)
		}
	}
	var stored int
	if err := o.Pool.QueryRow(t.Context(), `select (select count(*) from events) + (select count(*) from vault)`).Scan(&stored); err != nil || stored != 0 {
		t.Fatalf("%d rows were stored, %v", stored, err)
	}
	for actor, status := range map[string]int{
		"admin": http.StatusForbidden, "accountant": http.StatusForbidden, "auditor": http.StatusForbidden, "nowhere": http.StatusForbidden,
	} {
		o.Post(t, actor, "/enrolments", "role-"+actor, with(nil)).Want(t, status)
	}
	made := o.Post(t, "lisa", "/enrolments", "good", with(nil))
	made.Want(t, http.StatusCreated)
	o.Post(t, "lisa", "/enrolments", "good", with(nil)).Want(t, http.StatusCreated)
	o.Post(t, "lisa", "/enrolments", "other-key", with(nil)).Want(t, http.StatusConflict)
	o.Post(t, "stranger", "/enrolments/"+made.Text(t, "id")+"/stop", "s", object{"from_month": "2026-12", "reason": "x"}).Want(t, http.StatusNotFound)
}

func TestAListThatIsWrongIsNotDrafted(t *testing.T) {
	t.Parallel()
	o := open(t)
	for _, c := range []struct {
		unit, programme, month string
		faults                 []string
	}{
		{"00008", "social_pension", "2026-11", []string{"/unit unit_not_yours"}},
		{"01", "social_pension", "2026-11", []string{"/unit unit_not_yours"}},
		{"99999", "lottery", "2027-02", []string{"/month month_too_far", "/programme programme_unknown", "/unit unit_not_yours"}},
		{"00004", "social_pension", "2025-10", []string{"/month month_too_early"}},
		{"00004", "social_pension", "2026-1", []string{"/month wrong_format"}},
		{"4", "social_pension", "2026-11", []string{"/unit wrong_format"}},
	} {
		refused := o.Post(t, "lisa", "/payrolls", fmt.Sprint(c.unit, c.programme, c.month), object{"unit": c.unit, "programme": c.programme, "month": c.month})
		refused.Want(t, http.StatusUnprocessableEntity)
		got := refused.Faults(t)
		slices.Sort(got)
		if diff := cmp.Diff(c.faults, got); diff != "" {
			t.Errorf("%+v: %s", c, diff)
		}
	}
	o.Post(t, "admin", "/payrolls", "admin", object{"unit": "00004", "programme": "social_pension", "month": "2026-11"}).Want(t, http.StatusForbidden)
	o.Get(t, "lisa", "/payrolls/unknown", "").Want(t, http.StatusNotFound)
	o.step(t, "approver", "unknown", "approval", object{}).Want(t, http.StatusNotFound)
}

// The golden case of a single parent with a severe disability, with its proof.
func TestARightIsAnsweredWithItsProof(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.someone(t, "b1", unit, vietcombank)
	o.people.know(profile{Beneficiary: "b1", Unit: unit, Mark: "mb1", BirthDate: "1985-05-05"})
	parent := decision("b1", "social_assistance", "c4", "2026-08-03")
	parent["facts"] = object{"children": 3}
	o.enrol(t, "lisa", parent)
	o.enrol(t, "lisa", decision("b1", "social_assistance", "c6_severe", "2026-08-03"))
	last := o.Post(t, "lisa", "/enrolments", "pension", decision("b1", "social_pension", "social_pension", "2026-08-03"))
	last.Want(t, http.StatusCreated)
	o.seen(t, `state = 'open'`)
	var right struct {
		Amount   int64
		Chosen   []struct{ Rule string }
		Rejected []struct{ Rule, Reason string }
	}
	answered := o.Get(t, "accountant", "/entitlements/b1?month=2026-08", last.Position())
	answered.Want(t, http.StatusOK)
	answered.Into(t, &right)
	if right.Amount != 2_430_000 || len(right.Chosen) != 2 || len(right.Rejected) != 1 || right.Rejected[0].Reason != "not_highest" {
		t.Fatalf("%s", answered.Body)
	}
	o.Get(t, "stranger", "/entitlements/b1", "").Want(t, http.StatusNotFound)
	o.Get(t, "auditor", "/entitlements/b1", "").Want(t, http.StatusForbidden)

	list := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	o.wantLines(t, "lisa", list,
		"b1 2026-08 arrears 2430000 account", "b1 2026-09 arrears 2430000 account", "b1 2026-10 arrears 2430000 account", "b1 2026-11 regular 2430000 account")
	var p page
	o.Get(t, "lisa", "/payrolls/"+list+"/lines?kind=regular", "").Into(t, &p)
	var line struct {
		Proof struct{ Entitlement struct{ Amount int64 } }
	}
	o.Get(t, "accountant", "/payrolls/"+list+"/lines/"+p.Items[0].ID, "").Into(t, &line)
	if line.Proof.Entitlement.Amount != 2_430_000 {
		t.Fatalf("the proof says %+v", line)
	}
	var readings int
	if err := o.Pool.QueryRow(t.Context(), `select count(*) from vault_readings where purpose = 'line_proof' and case_ref = $1`, list).Scan(&readings); err != nil || readings != 1 {
		t.Fatalf("%d readings are recorded, %v", readings, err)
	}
	o.stop()
	o.policy = policytest.Plus(t, o.Clock.Now, policytest.Forbid("line_proof", "entitlement"))
	o.start(t)
	o.Get(t, "accountant", "/payrolls/"+list+"/lines", "").Want(t, http.StatusOK)
	o.Get(t, "accountant", "/payrolls/"+list+"/lines/"+p.Items[0].ID, "").Want(t, http.StatusNotFound)
	o.Get(t, "accountant", "/entitlements/b1?month=2026-08", "").Want(t, http.StatusForbidden)
}

// The case stands with the other golden ones, next to the rules.
func TestAnAccountOfManyIsHeld(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("internal/entitlement/testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Shared []struct {
			People, Held int
			Signal       string
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil || len(golden.Shared) == 0 {
		t.Fatal("no golden case of a shared account", err)
	}
	for _, c := range golden.Shared {
		o := open(t)
		for i := range c.People {
			id := fmt.Sprint("b", i)
			o.someone(t, id, unit, "")
			o.people.tell(t, id, accountOf(id, vietcombank, 1, "one")...)
			o.enrol(t, "lisa", decision(id, "social_pension", "social_pension", "2026-11-01"))
		}
		o.seen(t, `state = 'open'`)
		list := o.draft(t, "lisa", "00004", "social_pension", "2026-11")
		var totals struct{ Totals struct{ Lines, Held int } }
		list.Into(t, &totals)
		if totals.Totals.Held != c.Held || totals.Totals.Lines != c.People-c.Held {
			t.Fatalf("%s", list.Body)
		}
		testkit.Eventually(t, func() error {
			var found struct{ Items []struct{ Code string } }
			o.Get(t, "accountant", "/payrolls/"+list.Text(t, "id")+"/signals", "").Into(t, &found)
			same := 0
			for _, s := range found.Items {
				if s.Code == c.Signal {
					same++
				}
			}
			return errorUnless(same == c.Held, "%+v", found)
		})
	}
}

// What reached nobody is on the next month's list, once; what changed since is explained.
func TestTheNextMonthTakesOverAndIsCompared(t *testing.T) {
	t.Parallel()
	o := open(t)
	g := newGateway(t, o)
	for _, id := range []string{"cash", "leaves", "stays"} {
		o.someone(t, id, unit, map[string]string{"stays": vietcombank, "leaves": ""}[id])
	}
	ids := map[string]string{}
	for _, id := range []string{"cash", "leaves", "stays"} {
		ids[id] = o.enrol(t, "lisa", decision(id, "social_pension", "social_pension", "2026-11-01"))
	}
	o.seen(t, `identity = 'matched' and (account = '' or state = 'open')`)
	november := o.draft(t, "lisa", "00004", "social_pension", "2026-11").Text(t, "id")
	o.step(t, "lisa", november, "rejection", object{"reason": "lập cho tiền mặt trước"}).Want(t, http.StatusOK)
	o.people.tell(t, "stays", accounts.AccountSuspended{Account: "stays-1", Beneficiary: "stays", Reason: "owner", By: "lan"})
	o.seen(t, `beneficiary <> 'stays' or state = 'suspended'`)
	o.draft(t, "lisa", "00004", "social_pension", "2026-11")
	o.approved(t, november, "")
	o.funded(t, november, "")
	o.step(t, "treasurer", november, "release", object{}).Want(t, http.StatusOK)
	o.paid(t, november, "cash")
	closed := o.closed(t, november)
	if closed.CarriedForward != 2 || closed.Carried != 1_300_000 {
		t.Fatalf("closed with %+v", closed)
	}

	o.people.tell(t, "stays", accounts.AccountReinstated{Account: "stays-1", Beneficiary: "stays", Status: "opened", By: "mai"})
	o.seen(t, `beneficiary <> 'stays' or state = 'open'`)
	o.Post(t, "lisa", "/enrolments/"+ids["leaves"]+"/stop", "leaves", object{"from_month": "2026-12", "reason": "x"}).Want(t, http.StatusOK)
	o.someone(t, "new", unit, "")
	o.enrol(t, "lisa", decision("new", "social_pension", "social_pension", "2026-11-20"))
	o.seen(t, `identity = 'matched'`)
	december := o.draft(t, "lisa", "00004", "social_pension", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december,
		"cash 2026-12 regular 650000 cash no_account",
		"leaves 2026-11 carried_forward 650000 cash no_account",
		"new 2026-11 arrears 650000 cash no_account", "new 2026-12 regular 650000 cash no_account",
		"stays 2026-11 carried_forward 650000 account", "stays 2026-12 regular 650000 account")
	var compared struct {
		Items []struct{ Beneficiary, Change, Reason string }
	}
	o.Get(t, "accountant", "/payrolls/"+december+"/changes", "").Into(t, &compared)
	got := []string{}
	for _, c := range compared.Items {
		got = append(got, c.Beneficiary+" "+c.Change+" "+c.Reason)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"leaves left_out stopped", "new added other_list", "stays method account_opened"}, got); diff != "" {
		t.Fatal(diff)
	}
	province := o.draft(t, "province-lisa", "01", "social_pension", "2026-12").Text(t, "id")
	o.wantLines(t, "province-lisa", province)
	o.audited(t, g)
}

// paid hands the money of one person over.
func (o *office) paid(t *testing.T, list, beneficiary string) {
	t.Helper()
	testkit.Eventually(t, func() error {
		var found struct{ Items []struct{ ID string } }
		o.Get(t, "treasurer", "/payments?payroll="+list+"&beneficiary="+beneficiary, "").Into(t, &found)
		if len(found.Items) != 1 {
			return fmt.Errorf("%d payments", len(found.Items))
		}
		paid := o.Post(t, "cashier", "/payments/"+found.Items[0].ID+"/cash", "paid-"+beneficiary, object{"collected_on": "2026-11-21", "receipt": "PC/1"})
		if paid.Status != http.StatusOK {
			return fmt.Errorf("answered %d: %s", paid.Status, paid.Body)
		}
		return nil
	})
}

type closure struct {
	CarriedForward int `json:"carried_forward"`
	Carried        int64
}

// closed closes a list as soon as it can be.
func (o *office) closed(t *testing.T, list string) (done closure) {
	t.Helper()
	testkit.Eventually(t, func() error {
		answered := o.step(t, "treasurer", list, "closure", object{})
		if answered.Status != http.StatusOK {
			return fmt.Errorf("answered %d: %s", answered.Status, answered.Body)
		}
		answered.Into(t, &done)
		return nil
	})
	return done
}

func TestABatchOfDecisionsHasAVerdictForEach(t *testing.T) {
	t.Parallel()
	o := open(t)
	var lines []string
	for i := range 300 {
		id := fmt.Sprint("b", i)
		o.people.know(profile{Beneficiary: id, Unit: unit, Mark: "m" + id, BirthDate: "1950"})
		if i == 7 {
			id = "nobody"
		}
		lines = append(lines, fmt.Sprintf(`{"beneficiary":"%s","programme":"social_pension","category":"social_pension","decision":{"number":"1","signed_on":"2026-11-02"}}`, id))
	}
	header := http.Header{"Content-Type": {"application/x-ndjson"}, "Idempotency-Key": {"import"}}
	for range 2 {
		answered := o.Send(t, servicetest.Request{Method: http.MethodPost, Actor: "lisa", Path: "/enrolments/batch", Header: header, Body: []byte(strings.Join(lines, "\n"))})
		answered.Want(t, http.StatusOK)
		if refused := strings.Count(string(answered.Body), `"beneficiary_unknown"`); refused != 1 || strings.Count(string(answered.Body), "\n") != 300 {
			t.Fatalf("%d are refused: %.300s", refused, answered.Body)
		}
	}
	var rights int
	if err := o.Pool.QueryRow(t.Context(), `select count(*) from events where type = 'disbursement.enrolled.v1'`).Scan(&rights); err != nil || rights != 299 {
		t.Fatalf("%d rights, %v", rights, err)
	}
}

func TestReferenceDataIsEffectiveDated(t *testing.T) {
	t.Parallel()
	o := open(t)
	for day, want := range map[string]int64{"2026-06-30": 500_000, "2026-09-30": 500_000, "2026-10-05": 540_000} {
		var rates struct {
			Standards []struct {
				Series string
				Amount int64
			}
		}
		o.Get(t, "admin", "/rates?as_of="+day, "").Into(t, &rates)
		for _, s := range rates.Standards {
			if s.Series == "social_assistance" && s.Amount != want {
				t.Errorf("%s: %d, want %d", day, s.Amount, want)
			}
		}
	}
	var programmes struct{ Items []struct{ ID string } }
	o.Get(t, "lisa", "/programmes", "").Into(t, &programmes)
	if len(programmes.Items) != 3 {
		t.Fatalf("%+v", programmes)
	}
}

// The ids of decisions and lists follow from what they are about, so a key has to be remembered beside them.
func TestAKeyIsForOneRequestWhateverItIsAbout(t *testing.T) {
	t.Parallel()
	o := open(t)
	for _, id := range []string{"b1", "b2"} {
		o.someone(t, id, unit, vietcombank)
	}
	o.Post(t, "lisa", "/enrolments", "one", decision("b1", "social_pension", "social_pension", "2026-11-01")).Want(t, http.StatusCreated)
	o.Post(t, "lisa", "/payrolls", "two", object{"unit": "00004", "programme": "social_pension", "month": "2026-11"}).Want(t, http.StatusCreated)
	for name, again := range map[string]servicetest.Answer{
		"another person":     o.Post(t, "lisa", "/enrolments", "one", decision("b2", "social_pension", "social_pension", "2026-11-01")),
		"another month":      o.Post(t, "lisa", "/payrolls", "two", object{"unit": "00004", "programme": "social_pension", "month": "2026-12"}),
		"another thing":      o.Post(t, "lisa", "/payrolls", "one", object{"unit": "00004", "programme": "social_assistance", "month": "2026-11"}),
		"the same otherwise": o.Post(t, "lisa", "/enrolments", "one", decision("b1", "social_pension", "social_pension", "2026-11-02")),
	} {
		if again.Status != http.StatusUnprocessableEntity || again.Text(t, "code") != "idempotency_key_reused" {
			t.Errorf("%s answers %d %s", name, again.Status, again.Body)
		}
	}
	repeated := o.Post(t, "lisa", "/payrolls", "two", object{"unit": "00004", "programme": "social_pension", "month": "2026-11"})
	if repeated.Want(t, http.StatusCreated); repeated.Header.Get("Idempotent-Replay") != "true" {
		t.Error("the same request again is not a repetition")
	}
	var streams int
	if err := o.Pool.QueryRow(t.Context(), `select count(distinct stream) from events where stream like 'enrolment-%' or stream like 'payroll-%'`).Scan(&streams); err != nil || streams != 2 {
		t.Errorf("%d streams (%v)", streams, err)
	}
}
