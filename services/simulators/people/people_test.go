package people_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/simulators/people"
)

func today() vn.Date { return vn.MustDate(2026, time.November, 21) }

func register(t testing.TB, o people.Options) *people.Register {
	t.Helper()
	r, err := people.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEveryPersonIsConsistentAndCanBeFoundByNumber(t *testing.T) {
	t.Parallel()
	directory, err := units.Load()
	if err != nil {
		t.Fatal(err)
	}
	registers := []*people.Register{
		register(t, people.Options{Seed: 1}),
		register(t, people.Options{Seed: 2, Size: 97}),
		register(t, people.Options{Seed: 3, Size: 60_000_000, AsOf: vn.MustDate(2024, time.May, 1)}),
	}
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SampledFrom(registers).Draw(t, "register")
		index := rapid.Uint64Range(0, r.Size()-1).Draw(t, "index")
		p := r.At(index)
		if found, ok := r.Lookup(p.Document.Number); !ok || !cmp.Equal(found, p) {
			t.Fatalf("lookup (-at +lookup):\n%s", cmp.Diff(p, found))
		}
		id, err := vn.ParseCitizenID(p.Document.Number)
		if err != nil {
			t.Fatal(err)
		}
		if faults := append(id.Check(p.Sex, p.BirthDate), p.BirthDate.CheckBirth(today())...); faults != nil || id.Warnings() != nil {
			t.Fatalf("%+v: %v %v", p, faults, id.Warnings())
		}
		if name, err := vn.ParseName(p.FullName); err != nil || name != p.FullName || !strings.Contains(name, " ") {
			t.Fatalf("%q is read as %q, %v", p.FullName, name, err)
		}
		if phone, err := vn.ParsePhone(p.Phone); p.Phone != "" && (err != nil || phone.Number() != p.Phone) {
			t.Fatalf("%s is read as %s, %v", p.Phone, phone.Number(), err)
		}
		if _, found := directory.Find(p.Residence.Unit, vn.MustDate(2026, time.October, 1)); !found && r != registers[2] {
			t.Fatalf("the commune %s does not exist", p.Residence.Unit)
		}
	})
}

func TestNobodySharesANumber(t *testing.T) {
	t.Parallel()
	r := register(t, people.Options{Seed: 4, Size: 30_000})
	owners := map[string]uint64{}
	for i := range r.Size() {
		number := r.At(i).Document.Number
		if owner, taken := owners[number]; taken {
			t.Fatalf("%d and %d have one number", owner, i)
		}
		owners[number] = i
	}
}

func TestTheSameSeedGivesTheSamePeopleForEver(t *testing.T) {
	t.Parallel()
	r := register(t, people.Options{Seed: 1})
	var got []string
	for i := range uint64(4) {
		p := r.At(i)
		got = append(got, fmt.Sprintf("%s, %s, %s %s, %s, %s", p.FullName, p.BirthDate, p.Document.Type, p.Document.Number, p.Phone, p.Residence.Text))
	}
	want := []string{
		"Phạm Văn Tư, 1962-01-06, citizen_id 025062427962, +84915347070, thôn 9, Xã Xuân Đài, Tỉnh Phú Thọ",
		"Lục Văn Sơn, 1952-09-03, citizen_id 024052850695, +84866033597, số 53 Trần Hưng Đạo, Phường Tân Tiến, Thành phố Bắc Ninh",
		"Nguyễn Như Bích Hằng, 2019-11-20, birth_certificate 026319301665, , thôn 7, Xã Nguyệt Đức, Tỉnh Phú Thọ",
		"Lê Văn Hòa, 1957-02-03, citizen_id 074057055387, +84706456884, số 195 Tôn Đức Thắng, Phường Bình Lợi Trung, Thành phố Hồ Chí Minh",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("people of seed 1 (-want +got):\n%s", diff)
	}
	if other := register(t, people.Options{Seed: 2}).At(0); other.FullName == r.At(0).FullName && other.BirthDate == r.At(0).BirthDate {
		t.Error("another seed gives the same person")
	}
}

func TestThePeopleAreAsTheyAreInVietnam(t *testing.T) {
	t.Parallel()
	r := register(t, people.Options{Seed: 5})
	const sample = 20_000
	share := map[string]int{}
	for i := range uint64(sample) {
		p := r.At(i)
		words := strings.Fields(p.FullName)
		age := p.BirthDate.Latest().YearsUntil(today())
		for name, is := range map[string]bool{
			"Nguyễn":             words[0] == "Nguyễn",
			"women":              p.Sex == vn.Female,
			"women with Thị":     p.Sex == vn.Female && slices.Contains(words, "Thị"),
			"men with Thị":       p.Sex == vn.Male && slices.Contains(words, "Thị"),
			"under 15":           age < 15,
			"65 and older":       age >= 65,
			"born in HCMC":       strings.HasPrefix(p.Document.Number, "079"),
			"H'":                 strings.HasPrefix(p.FullName, "H'"),
			"year of birth only": len(p.BirthDate.String()) == 4,
		} {
			if is {
				share[name]++
			}
		}
	}
	for name, between := range map[string][2]int{ // per mille
		"Nguyễn": {280, 370}, "women": {490, 515}, "women with Thị": {130, 250}, "men with Thị": {0, 0}, "under 15": {210, 260},
		"65 and older": {80, 130}, "born in HCMC": {85, 105}, "H'": {1, 12}, "year of birth only": {1, 8},
	} {
		if perMille := share[name] * 1000 / sample; perMille < between[0] || perMille > between[1] {
			t.Errorf("%s: %d of 1,000, want %v", name, perMille, between)
		}
	}
}

func TestNumbersOutsideTheRegisterAreNotFound(t *testing.T) {
	t.Parallel()
	r := register(t, people.Options{Seed: 6, Size: 100_000})
	for _, number := range []string{"", "abc", "012345678", "003090123456", "001890123456", "999090123456", "0010901234567"} {
		if p, found := r.Lookup(number); found {
			t.Errorf("%q is %s", number, p.FullName)
		}
	}
	found := 0
	for serial := range 100_000 {
		if _, ok := r.Lookup(fmt.Sprintf("001090%06d", serial)); ok {
			found++
		}
	}
	// Of 100,000 people, about 72 were born in Hà Nội in 1990 as men, scattered over a million numbers.
	if found < 1 || found > 30 {
		t.Errorf("%d of a tenth of the numbers are in use", found)
	}
}

func TestARegisterThatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := people.New(people.Options{Size: 3_000_000_000}); err == nil {
		t.Error("three billion people were accepted")
	}
}

func TestARegisterMayBeUsedFromEverywhereAtOnce(t *testing.T) {
	t.Parallel()
	r := register(t, people.Options{Seed: 7})
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range uint64(200) {
				p := r.At(i)
				if found, ok := r.Lookup(p.Document.Number); !ok || found.Index != i {
					t.Errorf("worker %d: %d is not found", worker, i)
				}
				r.Foreigner(i, today())
			}
		})
	}
	wg.Wait()
}

func TestForeignersCarryWhatTheContractAsksFor(t *testing.T) {
	t.Parallel()
	r := register(t, people.Options{Seed: 8})
	nationalities, visas := map[vn.Country]int{}, 0
	for i := range uint64(3000) {
		p := r.Foreigner(i, today())
		nationalities[p.Nationality]++
		number, err := vn.ParsePassport(p.Document.Number)
		if err != nil || number != p.Document.Number || p.Document.Type != people.Passport || !p.Nationality.Foreign() {
			t.Fatalf("%+v: %v", p.Document, err)
		}
		if _, err := vn.ParseName(p.FullName); err != nil {
			t.Fatalf("%q: %v", p.FullName, err)
		}
		if p.Entry.Date.After(today()) || p.Document.Expires.Before(today()) || p.BirthDate.CheckBirth(today()) != nil {
			t.Fatalf("%+v %+v", p, p.Entry)
		}
		if p.Visa != nil {
			visas++
			if p.Visa.Expires.Before(today()) {
				t.Fatalf("the visa expired: %+v", p.Visa)
			}
		}
		if again := r.Foreigner(i, today()); !cmp.Equal(p, again) {
			t.Fatalf("foreigner %d differs:\n%s", i, cmp.Diff(p, again))
		}
	}
	if len(nationalities) < 20 || nationalities["CHN"] < nationalities["FRA"] || visas < 900 || visas > 1800 {
		t.Errorf("%d visas, nationalities %v", visas, nationalities)
	}
}

func TestAPersonCanBePostedAsAGuest(t *testing.T) {
	t.Parallel()
	r := register(t, people.Options{Seed: 9})
	keys := func(p people.Person) []string {
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(data, &fields); err != nil {
			t.Fatal(err)
		}
		return slices.Sorted(maps.Keys(fields))
	}
	var abroad people.Person
	for i := uint64(0); abroad.Visa == nil; i++ {
		abroad = r.Foreigner(i, today())
	}
	var adult people.Person
	for i := uint64(0); adult.Phone == ""; i++ {
		adult = r.At(i)
	}
	want := [][]string{
		{"birth_date", "document", "full_name", "nationality", "phone", "residence", "sex"},
		{"birth_date", "document", "entry", "full_name", "nationality", "sex", "visa"},
	}
	if diff := cmp.Diff(want, [][]string{keys(adult), keys(abroad)}); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestFacilitiesOfAllSixKindsStandInTheirCommune(t *testing.T) {
	t.Parallel()
	r := register(t, people.Options{Seed: 10})
	directory, err := units.Load()
	if err != nil {
		t.Fatal(err)
	}
	communes := slices.Collect(directory.All(units.Commune, vn.MustDate(2026, time.October, 1)))
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(people.Kinds()).Draw(t, "kind")
		commune := rapid.SampledFrom(communes).Draw(t, "commune")
		n := rapid.Uint64Range(0, 50).Draw(t, "n")
		f := r.Facility(kind, commune, n)
		if f.Kind != kind || f.Unit != commune.Code || !strings.Contains(f.Address, commune.Name) || f.Beds < 1 {
			t.Fatalf("%+v does not stand in %s", f, commune.Name)
		}
		if f.Name == "" || strings.ContainsAny(f.Name, "{}") || len([]rune(f.Name)) > 200 {
			t.Fatalf("the name is %q", f.Name)
		}
		if _, err := vn.ParseName(f.Contact); err != nil {
			t.Fatalf("%q: %v", f.Contact, err)
		}
		if f != r.Facility(kind, commune, n) {
			t.Fatal("the same facility differs")
		}
	})
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		register(b, people.Options{Seed: 1})
	}
}

func BenchmarkAt(b *testing.B) {
	r, i := register(b, people.Options{Seed: 1}), uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		r.At(i)
		i++
	}
}

func BenchmarkLookup(b *testing.B) {
	r := register(b, people.Options{Seed: 1})
	number := r.At(7).Document.Number
	b.ReportAllocs()
	for b.Loop() {
		r.Lookup(number)
	}
}

func ExampleRegister() {
	register, err := people.New(people.Options{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	somebody := register.At(0)
	same, known := register.Lookup(somebody.Document.Number)
	fmt.Println(somebody.FullName, somebody.BirthDate, somebody.Document.Number)
	fmt.Println(known, same.Index, register.Size())
	// Output:
	// Phạm Văn Tư 1962-01-06 025062427962
	// true 0 5000000
}
