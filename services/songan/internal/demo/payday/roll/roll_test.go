package roll_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/simulators/people"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/roll"
)

// hanoi is what all tests share: register and communes never change.
var hanoi = sync.OnceValues(func() (roll.Options, error) { //nolint:gochecknoglobals // made once, never written
	directory, err := units.Load()
	if err != nil {
		return roll.Options{}, err
	}
	register, err := people.New(people.Options{Seed: 6})
	today := vn.MustDate(2026, time.November, 21)
	o := roll.Options{
		Seed: 1, Name: "test", Programme: roll.Assistance, Beneficiaries: 600, Today: today, Register: register, Province: "Thành phố Hà Nội",
		Banks: []string{"VBAAVNVX", "ICBVVNVX", "BFTVVNVX", "BIDVVNVX"},
	}
	for _, code := range []string{"00004", "00008", "00025"} {
		commune, found := directory.Find(code, today)
		if !found {
			return o, fmt.Errorf("there is no commune %s", code)
		}
		o.Communes = append(o.Communes, commune)
	}
	return o, err
})

func plan(t testing.TB, change func(*roll.Options)) []*roll.Beneficiary {
	t.Helper()
	o, err := hanoi()
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&o)
	}
	all, err := roll.Plan(o)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheSameNameIsTheSameRoll(t *testing.T) {
	t.Parallel()
	first := plan(t, nil)
	same := cmp.Comparer(func(a, b vn.PartialDate) bool { return a.Equal(b) })
	if diff := cmp.Diff(first, plan(t, nil), same); diff != "" {
		t.Fatalf("planned twice (-first +second):\n%s", diff)
	}
	met := map[string]bool{}
	for _, b := range first {
		met[b.Person.Document.Number] = true
	}
	for _, b := range plan(t, func(o *roll.Options) { o.Name = "another" }) {
		if met[b.Person.Document.Number] {
			t.Errorf("beneficiary %d is on both rolls", b.Number)
		}
	}
}

// band is how the law divides a category by age, in years; under 0 is without limit.
type band struct {
	category    string
	from, under int
	tenths      int64
	dong        int64 // a tenth of the standard; that of social assistance if it is left out
	beside      bool
}

// law is written down a second time on purpose, by age instead of by kind.
func law() []band {
	return []band{
		{category: "c1", under: 4, tenths: 25},
		{category: "c1", from: 4, under: 16, tenths: 15},
		{category: "c2", from: 16, under: 23, tenths: 15},
		{category: "c4", tenths: 10, beside: true},
		{category: "c5a", from: 60, under: 80, tenths: 15},
		{category: "c5a", from: 80, tenths: 20},
		{category: "c5c", from: 80, tenths: 10},
		{category: "c6_exceptional", under: 16, tenths: 25},
		{category: "c6_exceptional", from: 16, under: 60, tenths: 20},
		{category: "c6_exceptional", from: 60, tenths: 25},
		{category: "c6_severe", under: 16, tenths: 20},
		{category: "c6_severe", from: 16, under: 60, tenths: 15},
		{category: "c6_severe", from: 60, tenths: 20},
		{category: "social_pension", from: 75, tenths: 10, dong: 65_000},
		{category: "meritorious", tenths: 10, dong: 301_200},
	}
}

// owed is what the law gives on a day: somebody who reaches an age in a month has reached it from the month after.
func owed(b *roll.Beneficiary, on vn.Date) (sum int64, complete bool) {
	var beside, highest int64
	complete = true
	for _, d := range b.Decisions {
		found := false
		for _, l := range law() {
			earliest, latest := b.Person.BirthDate.Earliest().YearsUntil(on), b.Person.BirthDate.Latest().YearsUntil(on)
			if l.category != d.Category || latest < l.from || l.under > 0 && earliest >= l.under {
				continue
			}
			found = true
			amount := max(l.dong, 54_000) * l.tenths * int64(max(1, d.Children))
			if l.beside {
				beside += amount
			} else {
				highest = max(highest, amount)
			}
		}
		complete = complete && found
	}
	return beside + highest, complete
}

func TestEverybodyIsEntitledToWhatTheRollSaysForAYear(t *testing.T) {
	t.Parallel()
	base, err := hanoi()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		o := base
		o.Seed = rapid.Uint64().Draw(t, "seed")
		o.Name = rapid.StringMatching(`[0-9A-Za-z._-]{1,24}`).Draw(t, "name")
		o.Programme = rapid.SampledFrom(roll.Programmes()).Draw(t, "programme")
		o.Beneficiaries = rapid.IntRange(0, 60).Draw(t, "beneficiaries")
		all, err := roll.Plan(o)
		if err != nil || len(all) != o.Beneficiaries {
			t.Fatalf("%d beneficiaries of %d, %v", len(all), o.Beneficiaries, err)
		}
		for _, b := range all {
			for _, on := range []vn.Date{o.Today, vn.MustDate(2027, time.October, 31)} {
				if sum, complete := owed(b, on); sum != b.Monthly || !complete {
					t.Fatalf("beneficiary %d born %s with %v: the law gives %d on %s, the roll %d",
						b.Number, b.Person.BirthDate, b.Decisions, sum, on, b.Monthly)
				}
			}
			for _, d := range b.Decisions {
				if d.SignedOn.After(o.Today) || d.SignedOn.Month() != o.Today.Month() {
					t.Fatalf("a decision was signed on %s", d.SignedOn)
				}
			}
		}
	})
}

func TestARollHoldsTogether(t *testing.T) {
	t.Parallel()
	all := plan(t, func(o *roll.Options) { o.Beneficiaries = 2_000 })
	numbers, files, communes, banks, identities, kinds := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	represented := 0
	for i, b := range all {
		if b.Number != i {
			t.Fatalf("beneficiary %d stands at %d", b.Number, i)
		}
		numbers[b.Person.Document.Number]++
		files[b.FileNumber]++
		communes[b.Commune]++
		banks[b.Bank]++
		identities[b.Identity]++
		for _, d := range b.Decisions {
			kinds[d.Category]++
		}
		id, err := vn.ParseCitizenID(b.Person.Document.Number)
		if err != nil {
			t.Fatal(err)
		}
		if faults := id.Check(b.Person.Sex, b.Person.BirthDate); faults != nil {
			t.Errorf("beneficiary %d could not be entered: %v", b.Number, faults)
		}
		if b.Person.Residence == nil || b.Person.Residence.Unit != b.Commune {
			t.Errorf("beneficiary %d does not live in %s", b.Number, b.Commune)
		}
		if b.Representative != nil {
			represented++
			if age := b.Representative.BirthDate.Latest().YearsUntil(vn.MustDate(2026, time.November, 21)); age < 18 || b.Representative.Document.Type != people.CitizenID {
				t.Errorf("the representative of %d is %d", b.Number, age)
			}
		}
		if b.Representative == nil && b.Person.BirthDate.Earliest().YearsUntil(vn.MustDate(2026, time.November, 21)) < 15 {
			t.Errorf("child %d has no representative", b.Number)
		}
	}
	if len(numbers) != len(all) || len(files) != len(all) {
		t.Errorf("%d numbers and %d files for %d people", len(numbers), len(files), len(all))
	}
	if len(communes) != 3 || len(banks) != 5 || len(identities) != 3 || len(kinds) != 7 || represented < 200 {
		t.Errorf("communes %v, banks %v, identities %v, categories %v, %d represented", communes, banks, identities, kinds, represented)
	}
	if banks[""] < 100 || banks["VBAAVNVX"] <= banks["BIDVVNVX"] {
		t.Errorf("banks %v", banks)
	}
}

func TestARollNeedsCommunesBanksAndAProgramme(t *testing.T) {
	t.Parallel()
	o, err := hanoi()
	if err != nil {
		t.Fatal(err)
	}
	for what, spoil := range map[string]func(o *roll.Options){
		"banks": func(o *roll.Options) { o.Banks = nil }, "communes": func(o *roll.Options) { o.Communes = nil },
		"a programme": func(o *roll.Options) { o.Programme = "basic_income" },
	} {
		without := o
		spoil(&without)
		if _, err := roll.Plan(without); err == nil {
			t.Errorf("a roll without %s", what)
		}
	}
}
