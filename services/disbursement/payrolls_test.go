package disbursement_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/testkit"
)

const vietcombank = "BFTVVNVX"

// page is a page of lines.
type page struct {
	Items []struct {
		ID, Beneficiary, Month, Kind, Method, Removed string
		CashReason                                    string `json:"cash_reason"`
		Amount                                        int64
		Signals                                       []string
		Held                                          bool
	}
}

// lines are the lines of a list as "beneficiary month kind amount method", sorted.
func (o *office) lines(t *testing.T, actor, id string) []string {
	t.Helper()
	var p page
	o.Get(t, actor, "/payrolls/"+id+"/lines?limit=200", "").Into(t, &p)
	lines := make([]string, 0, len(p.Items))
	for _, l := range p.Items {
		line := fmt.Sprintf("%s %s %s %d %s", l.Beneficiary, l.Month, l.Kind, l.Amount, l.Method)
		if l.CashReason != "" {
			line += " " + l.CashReason
		}
		if l.Held {
			line += " held"
		}
		if len(l.Signals) > 0 {
			line += " " + strings.Join(l.Signals, "+")
		}
		if l.Removed != "" {
			line += " removed:" + l.Removed
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

func (o *office) wantLines(t *testing.T, actor, id string, want ...string) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if diff := cmp.Diff(append([]string{}, want...), o.lines(t, actor, id)); diff != "" {
			return fmt.Errorf("lines (-want +got):\n%s", diff)
		}
		return nil
	})
}

func TestAListIsDraftedCheckedApprovedFundedAndReleased(t *testing.T) {
	t.Parallel()
	o := open(t)
	g := newGateway(t, o)
	o.someone(t, "b1", unit, vietcombank)
	o.someone(t, "b2", unit, "")
	o.someone(t, "b3", other, vietcombank)
	for _, id := range []string{"b1", "b2"} {
		o.enrol(t, "lisa", decision(id, "social_assistance", "c5a", "2026-11-02"))
	}
	o.enrol(t, "stranger", decision("b3", "social_assistance", "c5a", "2026-11-02"))
	o.seen(t, `identity = 'matched' and (account = '' or state = 'open')`)

	list := o.draft(t, "lisa", "00004", "social_assistance", "2026-11")
	id := list.Text(t, "id")
	o.wantLines(t, "lisa", id,
		"b1 2026-11 regular 810000 account",
		"b2 2026-11 regular 810000 cash no_account")

	o.step(t, "lisa", id, "check", object{}).Want(t, http.StatusForbidden)
	o.step(t, "stranger", id, "submission", object{}).Want(t, http.StatusNotFound)
	o.step(t, "treasurer", id, "release", object{}).Want(t, http.StatusUnprocessableEntity)
	o.step(t, "lisa", id, "submission", object{"hash": strings.Repeat("0", 64)}).Want(t, http.StatusConflict)
	o.step(t, "lisa-2", id, "submission", object{"hash": list.Text(t, "hash")}).Want(t, http.StatusOK)
	if refused := o.step(t, "accountant", id, "check", object{}); refused.Text(t, "code") != "same_person" {
		t.Fatalf("the maker's second key checks: %d %s", refused.Status, refused.Body)
	}
	o.step(t, "province-accountant", id, "check", object{}).Want(t, http.StatusOK)
	o.step(t, "approver", id, "approval", object{}).Want(t, http.StatusOK)
	if refused := o.step(t, "treasurer", id, "release", object{}); refused.Text(t, "code") != "insufficient_funds" {
		t.Fatalf("released unfunded: %d %s", refused.Status, refused.Body)
	}
	o.step(t, "treasurer", id, "funding", object{"amount": 1_620_001, "reference": "KB/1"}).Want(t, http.StatusUnprocessableEntity)
	part := o.step(t, "treasurer", id, "funding", object{"amount": 620_000, "reference": "KB/1"})
	if part.Want(t, http.StatusOK); part.Text(t, "status") != "approved" {
		t.Fatalf("partly funded is %s", part.Body)
	}
	all := o.step(t, "treasurer", id, "funding", object{"amount": 1_000_000, "reference": "KB/2"})
	if all.Want(t, http.StatusOK); all.Text(t, "status") != "funded" {
		t.Fatalf("funded is %s", all.Body)
	}
	released := o.Post(t, "treasurer", "/payrolls/"+id+"/release", "press", object{})
	released.Want(t, http.StatusOK)
	o.Post(t, "treasurer", "/payrolls/"+id+"/release", "press", object{}).Want(t, http.StatusOK)
	if again := o.step(t, "treasurer", id, "release", object{}); again.Status != http.StatusConflict || again.Text(t, "code") != "payroll_released" {
		t.Fatalf("a second press answers %d: %s", again.Status, again.Body)
	}
	testkit.Eventually(t, func() error {
		var done struct {
			Status  string
			Hash    string
			Release struct {
				Payments int
				Total    int64
			}
		}
		o.Get(t, "treasurer", "/payrolls/"+id, "").Into(t, &done)
		if done.Status != "released" || done.Release.Payments != 2 || done.Release.Total != 1_620_000 || done.Hash != list.Text(t, "hash") {
			return fmt.Errorf("%+v", done)
		}
		return nil
	})
	o.audited(t, g)
}

func TestArrearsAreDatedAndNothingIsPaidTwice(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.someone(t, "b1", unit, vietcombank)
	o.enrol(t, "lisa", decision("b1", "social_assistance", "c6_severe", "2026-09-15"))
	o.seen(t, `state = 'open'`)
	commune := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	o.wantLines(t, "lisa", commune,
		"b1 2026-09 arrears 1080000 account", "b1 2026-10 arrears 1080000 account", "b1 2026-11 regular 1080000 account")
	province := o.draft(t, "province-lisa", "01", "social_assistance", "2026-11").Text(t, "id")
	o.wantLines(t, "province-lisa", province)
	if refused := o.step(t, "province-lisa", province, "submission", object{}); refused.Text(t, "code") != "payroll_empty" {
		t.Fatalf("an empty list is handed over: %s", refused.Body)
	}
	next := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", next, "b1 2026-12 regular 1080000 account")

	// The commune takes its list back: the province's next draft pays all of it.
	o.step(t, "lisa", commune, "rejection", object{"reason": "sai"}).Want(t, http.StatusOK)
	o.step(t, "province-lisa", province, "rejection", object{"reason": "trống"}).Want(t, http.StatusOK)
	again := o.draft(t, "province-lisa", "01", "social_assistance", "2026-11")
	if again.Text(t, "id") != province {
		t.Fatalf("another list: %s", again.Body)
	}
	o.wantLines(t, "province-lisa", province,
		"b1 2026-09 arrears 1080000 account", "b1 2026-10 arrears 1080000 account", "b1 2026-11 regular 1080000 account")
}

func TestWhatHappensAfterTheApprovalTakesLinesOut(t *testing.T) {
	t.Parallel()
	o := open(t)
	g := newGateway(t, o)
	ids := map[string]string{}
	for _, b := range []string{"died", "stopped", "suspended", "closed", "replaced", "stays"} {
		o.someone(t, b, unit, vietcombank)
		ids[b] = o.enrol(t, "lisa", decision(b, "social_pension", "social_pension", "2026-11-01"))
	}
	o.seen(t, `state = 'open'`)
	list := o.draft(t, "lisa", "00004", "social_pension", "2026-12")
	id, hash := list.Text(t, "id"), list.Text(t, "hash")
	o.approved(t, id, "")
	o.funded(t, id, "")

	o.people.tell(t, "died", accounts.BeneficiaryDied{Beneficiary: "died", DiedOn: "2026-11-20", Source: "civil_registry"})
	o.people.tell(t, "closed", accounts.AccountClosed{Account: "closed-1", Beneficiary: "closed", Reason: "closed"})
	o.people.tell(t, "replaced", append([]events.Event{accounts.AccountClosed{
		Account: "replaced-1", Beneficiary: "replaced", Reason: "replaced",
	}}, accountOf("replaced", vietcombank, 2, "knew")...)...)
	month := object{"from_month": "2026-12", "reason": "chuyển đi"}
	o.Post(t, "lisa", "/enrolments/"+ids["stopped"]+"/stop", "s1", month).Want(t, http.StatusOK)
	o.Post(t, "lisa", "/enrolments/"+ids["suspended"]+"/suspension", "s2", month).Want(t, http.StatusOK)
	amount := "650000" // the province grants more than the nation
	o.wantLines(t, "lisa", id,
		"closed 2026-11 arrears "+amount+" account removed:account_changed", "closed 2026-12 regular "+amount+" account removed:account_changed",
		"died 2026-11 arrears "+amount+" account removed:account_changed", "died 2026-12 regular "+amount+" account removed:died",
		"replaced 2026-11 arrears "+amount+" account removed:account_changed", "replaced 2026-12 regular "+amount+" account removed:account_changed",
		"stays 2026-11 arrears "+amount+" account", "stays 2026-12 regular "+amount+" account",
		"stopped 2026-11 arrears "+amount+" account", "stopped 2026-12 regular "+amount+" account removed:stopped",
		"suspended 2026-11 arrears "+amount+" account", "suspended 2026-12 regular "+amount+" account removed:suspended")
	o.step(t, "treasurer", id, "release", object{}).Want(t, http.StatusOK)
	testkit.Eventually(t, func() error {
		var done struct {
			Hash    string
			Release struct{ Payments, Removed int }
		}
		o.Get(t, "treasurer", "/payrolls/"+id, "").Into(t, &done)
		if done.Hash != hash || done.Release.Payments != 4 || done.Release.Removed != 8 {
			return fmt.Errorf("%+v", done)
		}
		return nil
	})
	o.audited(t, g)
}
