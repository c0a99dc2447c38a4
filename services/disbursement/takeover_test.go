package disbursement_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// A province begins with this system: whom the old one has paid is not paid again, and what nobody paid longer ago than a list looks
// back is said.
func TestAProvinceIsTakenOver(t *testing.T) {
	t.Parallel()
	o := open(t)
	for _, id := range []string{"paid", "late"} {
		o.someone(t, id, unit, vietcombank)
	}
	over := decision("paid", "social_assistance", "c5a", "2025-02-10")
	over["paid_until"] = "2026-10"
	made := o.Post(t, "lisa", "/enrolments", "paid", over)
	made.Want(t, http.StatusCreated)
	if until := made.Text(t, "paid_until"); until != "2026-10" {
		t.Errorf("paid until %q", until)
	}
	late := decision("late", "social_assistance", "c5a", "2025-08-10")
	late["paid_until"] = "2025-09"
	right := o.enrol(t, "lisa", late)
	o.seen(t, `state = 'open'`)
	november := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	o.wantSignals(t, november, signal{Code: "before_look_back", Beneficiary: "late", Month: "2025-10", Amount: 750_000, Months: 1})
	var p page
	o.Get(t, "lisa", "/payrolls/"+november+"/lines?kind=arrears&beneficiary=late", "").Into(t, &p)
	if len(p.Items) != 12 {
		t.Errorf("%d arrears", len(p.Items))
	}
	o.Get(t, "lisa", "/payrolls/"+november+"/lines?beneficiary=paid", "").Into(t, &p)
	if len(p.Items) != 1 || p.Items[0].Kind != "regular" || p.Items[0].Amount != amount {
		t.Errorf("%+v", p.Items)
	}

	// Two months later, what November's list pays of the time before is not counted.
	o.Clock.Advance(45 * 24 * time.Hour)
	january := o.draft(t, "lisa", "00004", "social_assistance", "2027-01").Text(t, "id")
	o.wantSignals(t, january, signal{Code: "before_look_back", Beneficiary: "late", Month: "2025-10", Amount: 750_000, Months: 1})

	// It turns out that the old system has paid that one as well.
	o.Post(t, "lisa", "/enrolments/"+right+"/stop", "stop", object{"from_month": "2025-08", "reason": "x"}).Want(t, http.StatusOK)
	late["decision"] = object{"number": "12/QĐ-UBND-1", "signed_on": "2025-08-10"}
	late["paid_until"] = "2026-10"
	o.Post(t, "lisa", "/enrolments", "again", late).Want(t, http.StatusCreated)
	o.step(t, "lisa", november, "rejection", object{"reason": "x"}).Want(t, http.StatusOK)
	o.draft(t, "lisa", "00004", "social_assistance", "2026-11")
	o.wantLines(t, "lisa", november, "late 2026-11 regular 810000 account", "paid 2026-11 regular 810000 account")
	o.wantSignals(t, november)
}

// It becomes known that a degree changed long before the province was taken over. What the old system paid by the old decision was paid,
// also by a right that ended before the months that a list looks at; only the difference is owed.
func TestADegreeThatChangedBeforeTheTakeoverGivesTheDifference(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.someone(t, "b1", unit, vietcombank)
	over := decision("b1", "social_assistance", "c5a", "2025-02-10")
	over["paid_until"] = "2026-10"
	right := o.enrol(t, "lisa", over)
	o.Post(t, "lisa", "/enrolments/"+right+"/stop", "stop", object{"from_month": "2025-08", "reason": "x"}).Want(t, http.StatusOK)
	o.enrol(t, "lisa", decision("b1", "social_assistance", "c6_severe", "2025-08-04"))
	o.seen(t, `state = 'open'`)
	november := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	want := []string{"b1 2026-11 regular 1080000 account"}
	for m := range month.Span(month.Must("2025-11"), month.Must("2026-10")) {
		amount := 250_000
		if m.After(month.Must("2026-06")) {
			amount = 270_000
		}
		want = append(want, fmt.Sprintf("b1 %s arrears %d account", m, amount))
	}
	slices.Sort(want)
	o.wantLines(t, "lisa", november, want...)
	o.wantSignals(t, november, signal{Code: "before_look_back", Beneficiary: "b1", Month: "2025-08", Amount: 750_000, Months: 3})
}

// Until October the old system paid a pension, and it becomes known that the person had a right to assistance in its place since October.
// There is no payment here that could come back first: the difference is paid, and nobody was paid too much.
func TestAPensionFromBeforeTheTakeoverCountsForTheAssistance(t *testing.T) {
	t.Parallel()
	o := open(t)
	g := newGateway(t, o)
	o.someone(t, "b1", unit, vietcombank)
	over := decision("b1", "social_pension", "social_pension", "2025-07-10")
	over["paid_until"] = "2026-10"
	right := o.enrol(t, "lisa", over)
	o.Post(t, "lisa", "/enrolments/"+right+"/stop", "stop", object{"from_month": "2026-10", "reason": "x"}).Want(t, http.StatusOK)
	o.enrol(t, "lisa", decision("b1", "social_assistance", "c6_severe", "2026-10-05"))
	o.seen(t, `state = 'open'`)
	assistance := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	o.wantLines(t, "lisa", assistance, "b1 2026-10 arrears 430000 account", "b1 2026-11 regular 1080000 account")
	o.pays(t, g, assistance, 2)
	pensions := o.draft(t, "lisa", "00004", "social_pension", "2026-11").Text(t, "id")
	o.wantLines(t, "lisa", pensions)
	o.wantSignals(t, pensions)
	o.audited(t, g)
}

// signal is something that a list points out.
type signal struct {
	Code, Beneficiary, Month string
	Amount                   int64
	Months                   int
}

func (o *office) wantSignals(t *testing.T, list string, want ...signal) {
	t.Helper()
	testkit.Eventually(t, func() error {
		var found struct{ Items []signal }
		o.Get(t, "lisa", "/payrolls/"+list+"/signals", "").Into(t, &found)
		diff := cmp.Diff(append([]signal{}, want...), found.Items)
		return errorUnless(diff == "", "%s", diff)
	})
}
