package clerk

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/disbursement/internal/enrolment"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

// thanhHoa is a province without a level of its own, and xa a commune in it.
const thanhHoa = "38"

func xa() events.Unit { return events.Unit{Code: "14758", ValidFrom: "2025-07-01"} }

// november is the month of the list, drafted on the day asOf.
const november, asOf = "2026-11", "2026-10-21"

// listOf is the computation of a list.
func listOf(t *testing.T) *job {
	t.Helper()
	pool := testkit.Postgres(t)
	file := filepath.Join(t.TempDir(), "keys")
	if err := vault.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	if err := vault.CreateMaster(file); err != nil {
		t.Fatal(err)
	}
	keys, err := vault.LoadKeys(file)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), pool, keys, vault.Options{})
	if err != nil {
		t.Fatal(err)
	}
	directory, err := units.Load()
	if err != nil {
		t.Fatal(err)
	}
	day, err := vn.ParseDate(asOf)
	if err != nil {
		t.Fatal(err)
	}
	m := month.Must(november)
	return &job{
		Clerk: New(Deps{Rules: entitlement.National(), Units: directory, Vault: v}),
		list:  projections.Payroll{Payroll: "L1", Programme: "social_assistance", Month: november, UnitCode: xa().Code},
		from:  m.Add(-12), month: m, asOf: day,
		inScope: map[events.Unit]bool{xa(): true}, provinces: map[events.Unit]string{xa(): thanhHoa},
	}
}

// granted is somebody with one decision.
func granted(category, signed, birth string) *person {
	born, _ := vn.ParsePartialDate(birth)
	on, _ := vn.ParseDate(signed)
	starts := month.Of(on)
	return &person{
		mark: "M1", covered: map[month.Month]money.Amount{},
		files: map[string]projections.Beneficiary{"B1": {
			Beneficiary: "B1", Mark: "M1", Identity: "matched", State: projections.AccountOpen, Account: "B1-1", AccountMark: "K1", Holder: "H1",
		}},
		rights: []right{{
			Enrolment: projections.Enrolment{
				Enrolment: "E1", Beneficiary: "B1", Mark: "M1", UnitCode: xa().Code, UnitValidFrom: xa().ValidFrom,
				Programme: "social_assistance", SignedOn: signed, StartsFrom: starts.String(),
			},
			starts: starts, profile: &enrolment.Profile{Category: category, BirthDate: born},
		}},
	}
}

// told are the lines and findings of a person, one line of text each.
func told(j *job, p *person, shared ...string) []string {
	marks := map[string]bool{}
	for _, mark := range shared {
		marks[mark] = true
	}
	all := j.reckonAll(batch{people: []person{*p}, shared: marks})
	lines := []string{}
	for _, r := range all.lines {
		line := fmt.Sprintf("%s %s %d %s%s", r.line.Month, r.line.Kind, r.line.Amount, r.line.Method, r.line.CashReason)
		if r.line.Held {
			line += " held"
		}
		lines = append(lines, strings.TrimSpace(line+" "+strings.Join(r.line.Signals, "+")))
	}
	for _, f := range all.findings {
		found := fmt.Sprintf("%s %s %d", f.Month, f.Code, f.Amount)
		if f.Months > 0 {
			found += fmt.Sprintf(" of %d months", f.Months)
		}
		lines = append(lines, found)
	}
	slices.Sort(lines)
	return lines
}

func paid(p *person, amount money.Amount, months ...string) *person {
	for _, m := range months {
		p.covered[month.Must(m)] = amount
	}
	return p
}

// Only the highest right counts, over programmes: what lists of others pay beyond what the law grants there now holds the line, and is
// never taken off it.
func TestAMonthThatOtherProgrammesPayIsHeld(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	p := granted("c6_severe", "2026-10-01", "1980-01-01").beside("social_pension", "social_pension", "2026-09-01", month.Month{})
	for _, m := range []string{"2026-09", "2026-10"} { // September is the pension's own
		p.others = append(p.others, coveredElsewhere{programme: "social_pension", month: month.Must(m), amount: 500_000})
	}
	want := []string{"2026-10 arrears 810000 account held paid_by_other_programme", "2026-11 regular 810000 account"}
	if diff := cmp.Diff(want, told(j, p)); diff != "" {
		t.Error(diff)
	}
	j.list.Programme, p.covered, p.others = "social_pension", map[month.Month]money.Amount{}, nil
	p.others = append(p.others, coveredElsewhere{programme: "social_assistance", month: month.Must(november), amount: 810_000})
	if diff := cmp.Diff([]string{"2026-09 arrears 540000 account"}, told(j, p)); diff != "" {
		t.Error(diff)
	}
}

// Programmes that the law lets somebody have side by side do not hold each other.
func TestProgrammesThatStackAreNotHeld(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	data := entitlement.National().Data()
	data.Combinations = append(data.Combinations, entitlement.Combination{
		Category: "social_pension", With: []string{"c6_severe"},
		Validity: entitlement.Validity{From: month.Must("2021-07"), KnownFrom: j.asOf, LegalBasis: "x"},
	})
	text, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	if j.Rules, err = entitlement.Parse(text); err != nil {
		t.Fatal(err)
	}
	p := granted("c6_severe", "2026-11-01", "1980-01-01").beside("social_pension", "social_pension", "2026-11-01", month.Month{})
	for beside, want := range map[money.Amount]string{540_000: "2026-11 regular 810000 account", 540_001: "2026-11 regular 810000 account held paid_by_other_programme"} {
		p.others = []coveredElsewhere{{programme: "social_pension", month: month.Must(november), amount: beside}}
		if diff := cmp.Diff([]string{want}, told(j, p)); diff != "" {
			t.Errorf("%d beside it: %s", beside, diff)
		}
	}
}

// beside gives a person a second decision.
func (p *person) beside(programme, category, signed string, paidUntil month.Month) *person {
	second := granted(category, signed, p.rights[0].profile.BirthDate.String()).rights[0]
	second.Enrolment.Enrolment, second.Programme, second.paidUntil, second.entered = "E2", programme, paidUntil, day(asOf)
	p.rights = append(p.rights, second)
	return p
}

func TestANewStandardIsPaidAsDatedArrears(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	p := paid(granted("c6_severe", "2026-07-01", "1980-01-01"), 750_000, "2026-07", "2026-08", "2026-09", "2026-10")
	want := []string{
		"2026-07 arrears 60000 account", "2026-08 arrears 60000 account", "2026-09 arrears 60000 account", "2026-10 arrears 60000 account",
		"2026-11 regular 810000 account",
	}
	if diff := cmp.Diff(want, told(j, p)); diff != "" {
		t.Fatal(diff)
	}
}

func TestADeathLeavesArrearsAndOverpaidMonthsApart(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	p := paid(granted("c6_severe", "2026-07-01", "1980-01-01"), 750_000, "2026-07", "2026-08", "2026-09", "2026-10").whoDied("2026-08-20")
	want := []string{
		"2026-07 arrears 60000 cashaccount_closed died", "2026-08 arrears 60000 cashaccount_closed died",
		"2026-09 overpaid 750000", "2026-10 overpaid 750000",
	}
	if diff := cmp.Diff(want, told(j, p)); diff != "" {
		t.Fatal(diff)
	}
}

// whoDied are the facts of somebody whose account nobody has closed yet.
func (p *person) whoDied(on string) *person {
	file := p.files["B1"]
	file.DiedOn = on
	p.files["B1"] = file
	return p
}

// What was carried forward of months up to the death is owed still, in cash. Later months are not, whoever has heard of the death by now.
func TestWhatWasCarriedForwardOfTheDeadIsPaidInCash(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	p := paid(granted("c6_severe", "2026-07-01", "1980-01-01"), 810_000, "2026-07", "2026-08", "2026-09", "2026-10").whoDied("2026-10-02")
	for _, m := range []string{"2026-09", "2026-10", november} {
		p.carried = append(p.carried, projections.Carried{Payment: "P" + m, Mark: "M1", Beneficiary: "B1", Month: m, Amount: 810_000})
	}
	want := []string{"2026-09 carried_forward 810000 cashaccount_closed died", "2026-10 carried_forward 810000 cashaccount_closed died"}
	if diff := cmp.Diff(want, told(j, p)); diff != "" {
		t.Fatal(diff)
	}
}

// Every right of the person ended before the months that the list looks at. What was carried forward stays with the commune that paid it.
func TestWhatWasCarriedForwardOutlivesItsRight(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	p := granted("c6_severe", "2025-07-01", "1980-01-01")
	p.rights = nil
	for n, unit := range []string{xa().Code, "00004"} {
		p.carried = append(p.carried, projections.Carried{
			Payment: fmt.Sprint("P", n), Mark: "M1", Beneficiary: "B1", Month: "2025-08", Amount: 750_000, UnitCode: unit, UnitValidFrom: xa().ValidFrom,
		})
	}
	if diff := cmp.Diff([]string{"2025-08 carried_forward 750000 account"}, told(j, p)); diff != "" {
		t.Fatal(diff)
	}
}

func TestSharedAccountsAreHeldUnlessTheHolderRepresents(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	p := granted("c6_severe", "2026-11-01", "1980-01-01")
	if diff := cmp.Diff([]string{"2026-11 regular 810000 account held shared_account"}, told(j, p, "K1")); diff != "" {
		t.Error(diff)
	}
	file := p.files["B1"]
	file.Representatives = []string{"H0", "H1"}
	file.ReplacedOn, file.Identity = "2026-10-14", ""
	p.files["B1"] = file
	if diff := cmp.Diff([]string{"2026-11 regular 810000 account account_changed+identity"}, told(j, p, "K1")); diff != "" {
		t.Error(diff)
	}
}

func TestHowSomebodyIsPaidFollowsTheAccount(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	for state, want := range map[string]string{
		projections.AccountOpen: "account", projections.NoAccount: "cashno_account", projections.AccountPending: "cashaccount_pending",
		projections.AccountRefused: "cashaccount_refused", projections.AccountSuspended: "cashaccount_suspended",
		projections.AccountBlocked: "cashaccount_blocked", projections.AccountClosed: "cashaccount_closed",
	} {
		p := granted("c6_severe", "2026-11-01", "1980-01-01")
		file := p.files["B1"]
		file.State = state
		p.files["B1"] = file
		if diff := cmp.Diff([]string{"2026-11 regular 810000 " + want}, told(j, p)); diff != "" {
			t.Errorf("%s: %s", state, diff)
		}
	}
}

func TestOneListPaysAPersonOfTwoUnits(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	p := granted("c6_severe", "2026-09-01", "1980-01-01")
	p.rights[0].StoppedFrom = "2026-11"
	moved := p.rights[0]
	moved.Enrolment.Enrolment, moved.UnitCode, moved.StartsFrom, moved.StoppedFrom = "E2", "00004", "2026-11", ""
	moved.starts = month.Must("2026-11")
	p.rights = append(p.rights, moved)
	want := []string{"2026-09 arrears 810000 account", "2026-10 arrears 810000 account"}
	if diff := cmp.Diff(want, told(j, p)); diff != "" {
		t.Fatal(diff)
	}
}

func TestWhatCannotBeComputedIsSaid(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	p := granted("c6_severe", "2026-09-01", "1980-01-01")
	p.rights[0].profile = nil
	p.carried = []projections.Carried{{Payment: "P0", Mark: "M1", Beneficiary: "B1", Month: "2026-10", Amount: 810_000}} // this is known
	if diff := cmp.Diff([]string{"2026-10 carried_forward 810000 account", "2026-11 profile_unreadable 0"}, told(j, p)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"2026-11 not_computable 0"}, told(j, granted("c4", "2026-11-01", "1980-01-01"))); diff != "" {
		t.Error(diff)
	}
}

func TestWhatWasCarriedForwardIsTakenOver(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	p := paid(granted("c6_severe", "2026-10-01", "1980-01-01"), 810_000, "2026-10")
	p.carried = []projections.Carried{{Payment: "P0", Mark: "M1", Beneficiary: "B1", Month: "2026-10", Amount: 810_000}}
	want := []string{"2026-10 carried_forward 810000 account", "2026-11 regular 810000 account"}
	if diff := cmp.Diff(want, told(j, p)); diff != "" {
		t.Fatal(diff)
	}
}

// Arrears and regular lines with what is paid elsewhere, and what was paid before this system by the right as it was entered and the law as
// it was known then, are what the law grants, month by month; nothing is netted.
func TestArrearsAndPaymentsAreWhatIsGranted(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	rapid.Check(t, func(t *rapid.T) {
		p := granted(rapid.SampledFrom([]string{"c6_severe", "c5a", "c1", "c7"}).Draw(t, "category"), "2026-04-15",
			rapid.SampledFrom([]string{"1946-10-02", "1966-08-30", "2010-09-09", "2024-05-05"}).Draw(t, "birth"))
		for m := range month.Span(j.from, j.month) {
			p.covered[m] = money.Amount(rapid.SampledFrom([]int64{0, 500_000, 750_000, 1_000_000, 1_080_000}).Draw(t, m.String()))
		}
		if until := rapid.SampledFrom([]string{"", "2026-06", "2026-08", "2026-10"}).Draw(t, "paid until"); until != "" {
			p.before(until, rapid.SampledFrom([]string{"2026-10-04", asOf}).Draw(t, "entered"))
		}
		entered := p.rights[0].asEntitlement()
		p.until(rapid.SampledFrom([]string{"", "2026-08"}).Draw(t, "stopped"))
		all := j.reckonAll(batch{people: []person{*p}})
		sums := map[string]money.Amount{}
		for m, amount := range p.covered {
			sums[m.String()] += amount
		}
		for _, r := range all.lines {
			if r.line.Amount <= 0 {
				t.Fatalf("a line of %d", r.line.Amount)
			}
			sums[r.line.Month] += r.line.Amount
		}
		for _, f := range all.findings {
			if f.Code == payroll.Overpaid {
				sums[f.Month] -= f.Amount
			}
		}
		decision := p.rights[0].asEntitlement()
		for m := range month.Span(p.rights[0].starts, j.month) {
			who := entitlement.Person{BirthDate: p.rights[0].profile.BirthDate, Province: thanhHoa}
			granted := j.Rules.Entitled(who, []entitlement.Enrolment{decision}, m, j.asOf)
			if r := p.rights[0]; !r.paidUntil.Before(m) {
				sums[m.String()] += j.Rules.Entitled(who, []entitlement.Enrolment{entered}, m, r.entered).Total()
			}
			if sums[m.String()] != granted.Total() {
				t.Fatalf("%v: %d instead of %d", m, sums[m.String()], granted.Total())
			}
		}
	})
}

func TestProofsArePackedAndUnpacked(t *testing.T) {
	t.Parallel()
	j := listOf(t)
	var many []reckoned
	for range payroll.ChunkSize + 1 {
		many = append(many, j.reckonAll(batch{people: []person{*granted("c6_severe", "2026-11-01", "1980-01-01")}}).lines...)
	}
	facts, secrets, err := j.chunks(sheet{lines: many})
	if err != nil || len(facts) != 2 || len(secrets) != 2 {
		t.Fatalf("%d facts, %d rows, %v", len(facts), len(secrets), err)
	}
	empty, none, err := j.chunks(sheet{final: true})
	if err != nil || len(empty) != 1 || len(none) != 0 {
		t.Fatalf("an empty sheet: %d facts, %d rows, %v", len(empty), len(none), err)
	}
}
