package clerk

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// A province whose list is of January 2027, drafted on 2026-12-21, and that was taken over on 2026-11-20. In December its council decides
// 700,000 instead of 650,000, from July on; the operator puts that in place of the row which was assumed.
func raised(t *testing.T) *job {
	t.Helper()
	j := listOf(t)
	j.list.Programme, j.list.Month = "social_pension", "2027-01"
	j.month, j.asOf = month.Must(j.list.Month), day("2026-12-21")
	j.from, j.provinces[xa()] = j.month.Add(-12), "01"
	data := entitlement.National().Data()
	assumed := slices.IndexFunc(data.Levels, func(l entitlement.Level) bool { return l.Province == "01" && l.To.IsZero() })
	data.Levels[assumed].Amount, data.Levels[assumed].KnownFrom = 700_000, day("2026-12-15")
	text, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	if j.Rules, err = entitlement.Parse(text); err != nil {
		t.Fatal(err)
	}
	return j
}

func day(text string) vn.Date {
	d, _ := vn.ParseDate(text)
	return d
}

// before says until when another system has paid the last of somebody's rights, and when that was entered.
func (p *person) before(until, entered string) *person {
	r := &p.rights[len(p.rights)-1]
	r.paidUntil, r.entered = month.Must(until), day(entered)
	return p
}

// until ends the first of somebody's rights.
func (p *person) until(from string) *person {
	p.rights[0].StoppedFrom = from
	return p
}

// pensioner has had the pension since it began.
func pensioner() *person {
	p := granted("social_pension", "2025-07-10", "1946-02-02")
	p.rights[0].Programme = "social_pension"
	return p
}

// The old system cannot have paid a rise that was decided when it had ended: it is arrears. What was known when the province was taken
// over counts as paid.
func TestARiseDecidedAfterTheTakeoverIsPaidForTheMonthsBeforeIt(t *testing.T) {
	t.Parallel()
	j := raised(t)
	regular := "2027-01 regular 700000 account"
	rise := []string{"2026-07 arrears 50000 account", "2026-08 arrears 50000 account", "2026-09 arrears 50000 account", "2026-10 arrears 50000 account"}
	ours := []string{"2026-11 arrears 50000 account", "2026-12 arrears 50000 account", regular}
	over := func(entered string) *person {
		return paid(pensioner().before("2026-10", entered), 650_000, "2026-11", "2026-12")
	}
	if diff := cmp.Diff(slices.Concat(rise, ours), told(j, over("2026-11-20"))); diff != "" {
		t.Errorf("taken over before: %s", diff)
	}
	if diff := cmp.Diff(ours, told(j, over("2026-12-15"))); diff != "" {
		t.Errorf("taken over after: %s", diff)
	}
	// By a right in another province, whose level was 700,000, the months from August on were paid although it had ended.
	moved := over("2026-11-20")
	first := moved.rights[0]
	first.Enrolment.Enrolment, first.UnitCode, first.StoppedFrom = "E0", "another", "2026-08"
	j.provinces[first.Unit()] = "31"
	moved.rights[0].starts, moved.rights[0].StartsFrom, moved.rights[0].paidUntil = month.Must("2026-08"), "2026-08", month.Month{}
	moved.rights = append(moved.rights, first)
	if diff := cmp.Diff(ours, told(j, moved)); diff != "" {
		t.Errorf("came from another province: %s", diff)
	}
}

// Somebody whom another system has paid is not paid again; a decision that replaced the paid one gives the difference, also in another
// programme.
func TestWhatWasPaidBeforeThisSystemIsNotPaidAgain(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	over := granted("c6_severe", "2025-02-10", "1980-01-01")
	over.before("2026-10", asOf)
	twice := paid(granted("c6_severe", "2026-09-10", "1980-01-01"), 810_000, "2026-09")
	twice.before("2026-09", asOf)
	for name, c := range map[string]struct {
		p    *person
		want []string
	}{
		"a right": {over, []string{"2026-11 regular 810000 account"}},
		"a right that was replaced": {
			granted("c6_severe", "2026-11-10", "1950-01-01").beside("social_assistance", "c5a", "2025-02-10", month.Must(november)),
			[]string{"2026-11 arrears 270000 account"},
		},
		"a right of another programme": {
			granted("c6_severe", "2026-11-10", "1950-01-01").beside("social_pension", "social_pension", "2025-07-10", month.Must(november)),
			[]string{"2026-11 arrears 540000 account"},
		},
		"children beside it": {
			func() *person {
				p := granted("c6_severe", "2026-11-10", "1980-01-01").beside("social_assistance", "c4", "2026-11-02", month.Must(november))
				p.rights[1].profile.Facts.Children = 1
				return p
			}(),
			[]string{"2026-11 arrears 810000 account"},
		},
		"what we paid as well": {twice, []string{"2026-09 overpaid 810000", "2026-10 arrears 810000 account", "2026-11 regular 810000 account"}},
	} {
		if diff := cmp.Diff(c.want, told(j, c.p)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Whatever becomes of a right afterwards, what was paid by it was paid.
func TestWhatWasPaidBeforeCountsWhateverBecameOfItsRight(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	const entered = "2026-10-20"
	regular := "2026-11 regular 1080000 account"
	degree := func(signed string) *person { // paid until October by one decision, and by right another since
		return granted("c5a", "2025-02-10", "1950-01-01").before("2026-10", entered).beside("social_assistance", "c6_severe", signed, month.Month{})
	}
	for name, c := range map[string]struct {
		p    *person
		want []string
	}{
		"the degree changed in July": {
			degree("2026-08-03").until("2026-08"),
			[]string{"2026-08 arrears 270000 account", "2026-09 arrears 270000 account", "2026-10 arrears 270000 account", regular},
		},
		"the degree changed in July, and that was paid": {
			degree("2026-08-03").before("2026-10", entered).until("2026-08"), []string{regular},
		},
		"the degree is a lower one": {
			granted("c6_severe", "2025-02-10", "1950-01-01").before("2026-10", entered).beside("social_assistance", "c5a", "2026-09-03", month.Month{}).until("2026-09"),
			[]string{"2026-09 overpaid 270000", "2026-10 overpaid 270000", "2026-11 regular 810000 account"},
		},
		"the right ended": {
			granted("c5a", "2025-02-10", "1950-01-01").before("2026-10", entered).until("2026-09"),
			[]string{"2026-09 overpaid 810000", "2026-10 overpaid 810000"},
		},
		"the person had died": {
			granted("c5a", "2025-02-10", "1950-01-01").before("2026-10", entered).until("2026-10").whoDied("2026-09-02"),
			[]string{"2026-10 overpaid 810000"},
		},
		"the pension became assistance": {
			func() *person {
				p := granted("social_pension", "2025-07-10", "1950-01-01").before("2026-10", entered)
				p.rights[0].Programme = "social_pension"
				return p.beside("social_assistance", "c6_severe", "2026-10-03", month.Month{}).until("2026-10")
			}(),
			[]string{"2026-10 arrears 540000 account", regular},
		},
		"an entry by mistake": {
			granted("c5a", "2026-09-10", "1950-01-01").before("2026-10", entered).beside("social_assistance", "c6_severe", "2026-10-03", month.Month{}).until("2026-09"),
			[]string{"2026-10 arrears 1080000 account", regular},
		},
	} {
		if diff := cmp.Diff(c.want, told(j, c.p)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// What a list does not look at and nobody has paid is said, and is no line.
func TestMonthsBeforeTheLookBackAreCounted(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	p := paid(granted("c6_severe", "2025-02-10", "1980-01-01"), 810_000, "2026-07", "2026-08", "2026-09", "2026-10", november)
	paid(p, 750_000, "2025-11", "2025-12", "2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06")
	if diff := cmp.Diff([]string{"2025-02 before_look_back 6750000 of 9 months"}, told(j, p)); diff != "" {
		t.Error(diff)
	}
	p.earlier = map[month.Month]bool{month.Must("2025-02"): true, month.Must("2025-04"): true}
	if diff := cmp.Diff([]string{"2025-03 before_look_back 5250000 of 7 months"}, told(j, p)); diff != "" {
		t.Error(diff)
	}
	p.before("2025-08", asOf)
	if diff := cmp.Diff([]string{"2025-09 before_look_back 1500000 of 2 months"}, told(j, p)); diff != "" {
		t.Error(diff)
	}
	p.before("2025-10", asOf)
	if diff := cmp.Diff([]string{}, told(j, p)); diff != "" {
		t.Error(diff)
	}
}
