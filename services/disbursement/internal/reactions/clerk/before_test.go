package clerk

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// called gives the rights of somebody ids, in the order of their entry: ids are hashes, and nothing may hang on which is the smaller.
func (p *person) called(ids ...string) *person {
	for i := range p.rights {
		p.rights[i].Enrolment.Enrolment, p.rights[i].Position = ids[i], int64(i)
	}
	return p
}

// born corrects the birth date that the last decision was entered with.
func (p *person) born(birth string) *person {
	last := &p.rights[len(p.rights)-1]
	profile := *last.profile
	profile.BirthDate, _ = vn.ParsePartialDate(birth)
	last.profile = &profile
	return p
}

// byDeath says that it was a death which ended the first of somebody's rights.
func (p *person) byDeath(from string) *person {
	p.until(from).rights[0].Died = true
	return p
}

func eitherWay() [][]string { return [][]string{{"E1", "E2"}, {"E2", "E1"}} }

// A decision that took the place of another names the months that were paid by that one once more. Between the two entries a rise became
// known, which the old system cannot have paid.
func TestTheSameDecisionEnteredTwiceWasPaidAsTheFirst(t *testing.T) {
	t.Parallel()
	j := raised(t)
	var want []string
	for m := range month.Span(month.Must("2026-07"), month.Must("2026-12")) {
		want = append(want, m.String()+" arrears 50000 account")
	}
	want = append(want, "2027-01 regular 700000 account")
	for _, ids := range eitherWay() {
		for _, again := range []string{"2026-10", ""} {
			p := pensioner().before("2026-10", "2026-11-20").byDeath("2026-09").beside("social_pension", "social_pension", "2025-07-10", month.Month{})
			if again != "" {
				p.before(again, "2026-12-16")
			}
			p = paid(p.called(ids...), 650_000, "2026-11", "2026-12")
			if diff := cmp.Diff(want, told(j, p)); diff != "" {
				t.Errorf("%v, again until %q: %s", ids, again, diff)
			}
		}
	}
}

// Two children since September, and the decisions for one and for two were entered on one day, both as paid until October: the old system
// has paid the higher.
func TestOfTwoPaidDecisionsOfACategoryTheHigherWasPaid(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	for _, ids := range eitherWay() {
		p := granted("c4", "2025-02-10", "1980-01-01").before("2026-10", "2026-10-20").until("2026-09").
			beside("social_assistance", "c4", "2026-09-02", month.Month{}).before("2026-10", "2026-10-20").called(ids...)
		p.rights[0].profile.Facts.Children, p.rights[1].profile.Facts.Children = 1, 2
		if diff := cmp.Diff([]string{"2026-11 regular 1080000 account"}, told(j, p)); diff != "" {
			t.Errorf("%v: %s", ids, diff)
		}
	}
}

// A death from before the right, recorded on the wrong file or on the right one: what the old system paid was paid.
func TestADeathDoesNotMakeAPaidRightAMistake(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	over := func() *person {
		return granted("c5a", "2026-09-10", "1950-01-01").before("2026-10", "2026-10-20").byDeath("2026-09")
	}
	revoked := over().beside("social_assistance", "c5a", "2026-09-10", month.Month{})
	if diff := cmp.Diff([]string{"2026-11 regular 810000 account"}, told(j, revoked)); diff != "" {
		t.Errorf("revoked: %s", diff)
	}
	if diff := cmp.Diff([]string{"2026-09 overpaid 810000", "2026-10 overpaid 810000"}, told(j, over().whoDied("2026-08-12"))); diff != "" {
		t.Errorf("dead: %s", diff)
	}
}

// The birth date was wrong, and was corrected before the decision that was entered last.
func TestTheBirthDateOfTheLastEntryCounts(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	twice := func() *person { // 56 by the first entry, 80 by the second
		return granted("c5a", "2026-10-05", "1970-01-01").until(november).
			beside("social_assistance", "c5a", "2026-10-20", month.Month{}).born("1946-01-01")
	}
	want := []string{"2026-10 arrears 1080000 account", "2026-11 regular 1080000 account"}
	for _, ids := range eitherWay() {
		if diff := cmp.Diff(want, told(j, twice().called(ids...))); diff != "" {
			t.Errorf("%v: %s", ids, diff)
		}
		mistake := twice().called(ids...)
		mistake.rights[0].profile, mistake.rights[1].profile = mistake.rights[1].profile, mistake.rights[0].profile
		mistake.rights[0].StoppedFrom, mistake.rights[1].StoppedFrom = "", "2026-10"
		if diff := cmp.Diff(want, told(j, mistake)); diff != "" {
			t.Errorf("%v, the second was entered by mistake: %s", ids, diff)
		}
		ended := twice().called(ids...)
		ended.former, ended.rights = &ended.rights[1], ended.rights[:1]
		if diff := cmp.Diff([]string{"2026-10 arrears 1080000 account"}, told(j, ended)); diff != "" {
			t.Errorf("%v, the second is over: %s", ids, diff)
		}
	}
}

// Of what is over only the last entry is read, and only of those who have something else.
func TestOfRightsThatAreOverTheLastEntryIsRead(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	row := func(mark, id, stopped string) projections.Enrolment {
		return projections.Enrolment{Mark: mark, Enrolment: id, StartsFrom: "2024-01", StoppedFrom: stopped}
	}
	rows := []projections.Enrolment{
		row("M1", "over", "2025-01"), row("M1", "lasts", ""), row("M1", "over since", "2025-02"), row("M1", "a mistake", "2024-01"),
		row("M2", "over", "2025-01"), row("M3", "over", "2025-01"), row("M3", "ended lately", "2026-08"),
	}
	var left []string
	for _, e := range j.lookedAt(rows) {
		left = append(left, e.Mark+" "+e.Enrolment)
	}
	if diff := cmp.Diff([]string{"M1 lasts", "M1 over since", "M3 ended lately"}, left); diff != "" {
		t.Error(diff)
	}
}

// Nobody knows whether the old system had the wrong birth date, too. What it paid by either is not paid again.
func TestWhatWasPaidByAWrongBirthDateIsNotPaidAgain(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	typed := granted("c5a", "2026-08-05", "1970-01-01").before("2026-10", "2026-10-20").until(november).
		beside("social_assistance", "c5a", "2026-08-05", month.Month{}).born("1946-01-01").called("E1", "E2")
	if diff := cmp.Diff([]string{"2026-11 regular 1080000 account"}, told(j, typed)); diff != "" {
		t.Errorf("only here: %s", diff)
	}
	lower := granted("c5a", "2026-09-05", "1946-01-01").before("2026-10", "2026-10-20").until(november).
		beside("social_assistance", "c5a", "2026-09-05", month.Month{}).born("1956-01-01").called("E1", "E2")
	want := []string{"2026-09 overpaid 270000", "2026-10 overpaid 270000", "2026-11 regular 810000 account"}
	if diff := cmp.Diff(want, told(j, lower)); diff != "" {
		t.Errorf("there, too: %s", diff)
	}
}

// Another programme is granted now for months that the old system has paid: the difference is owed, or was paid too much, on one list alone.
func TestWhatAnotherProgrammePaidBeforeThisSystemCounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		was, old           string
		is, now            string
		until, ourOwn      string
		ofTheOld, ofTheNew []string
	}{
		"more is granted": {
			was: "social_pension", old: "social_pension", is: "social_assistance", now: "c5a", until: "2026-09",
			ofTheNew: []string{"2026-09 arrears 270000 account", "2026-10 arrears 270000 account", "2026-11 regular 810000 account"},
		},
		"more is granted, and the old right goes on": {
			was: "social_pension", old: "social_pension", is: "social_assistance", now: "c5a",
			ofTheNew: []string{"2026-09 arrears 270000 account", "2026-10 arrears 270000 account", "2026-11 regular 810000 account"},
		},
		"less is granted": {
			was: "social_assistance", old: "c5a", is: "social_pension", now: "social_pension", until: "2026-09",
			ofTheOld: []string{"2026-09 overpaid 270000", "2026-10 overpaid 270000"},
			ofTheNew: []string{"2026-11 regular 540000 account"},
		},
		"a list of ours has paid, too": {
			was: "social_pension", old: "social_pension", is: "social_assistance", now: "c5a", until: "2026-09", ourOwn: "2026-10",
			ofTheOld: []string{"2026-10 overpaid 60000"},
			ofTheNew: []string{
				"2026-09 arrears 270000 account", "2026-10 arrears 270000 account held paid_by_other_programme", "2026-11 regular 810000 account",
			},
		},
	} {
		for _, of := range []struct {
			programme string
			want      []string
		}{{c.was, c.ofTheOld}, {c.is, c.ofTheNew}} {
			j := listOf(t)
			j.list.Programme = of.programme
			p := granted(c.old, "2025-08-10", "1950-01-01").before("2026-10", "2026-10-20")
			p.rights[0].Programme = c.was
			p = p.until(c.until).beside(c.is, c.now, "2026-09-03", month.Month{}).called("E1", "E2")
			if ours := month.Must("2026-10"); c.ourOwn != "" && of.programme == c.was {
				p.covered[ours] = 60_000
			} else if c.ourOwn != "" {
				p.others = append(p.others, coveredElsewhere{programme: c.was, month: ours, amount: 60_000})
			}
			if diff := cmp.Diff(append([]string{}, of.want...), told(j, p)); diff != "" {
				t.Errorf("%s, %s: %s", name, of.programme, diff)
			}
		}
	}
}

// Whatever was paid and is granted: nothing is lost, nothing counts twice, and no programme is short while another has too much.
func TestWhatWasPaidBeforeIsBalanced(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		programmes := rapid.SampledFrom([]string{"a", "b", "c"})
		amounts := rapid.Map(rapid.IntRange(0, 3), func(n int) money.Amount { return money.Amount(n) })
		paid := rapid.MapOf(programmes, amounts).Draw(t, "paid")
		var granted entitlement.Entitlement
		short := map[string]money.Amount{}
		for programme, amount := range rapid.MapOf(programmes, amounts).Draw(t, "granted") {
			granted.Lines = append(granted.Lines, entitlement.Line{Programme: programme, Amount: amount})
			short[programme] += amount
		}
		sum := func() (total money.Amount) {
			for amount := range maps.Values(paid) {
				total += amount
			}
			return total
		}
		before := sum()
		balance(paid, granted)
		for programme, amount := range paid {
			short[programme] -= amount
		}
		left := slices.Collect(maps.Values(short))
		if sum() != before || len(paid) > 0 && len(left) > 0 && slices.Max(left) > 0 && slices.Min(left) < 0 {
			t.Fatalf("%d of %d: %v, short by %v", sum(), before, paid, short)
		}
	})
}
