package people_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/simulators/people"
)

func TestMostPeopleLiveWhereTheyWereBorn(t *testing.T) {
	t.Parallel()
	directory, err := units.Load()
	if err != nil {
		t.Fatal(err)
	}
	asOf := vn.MustDate(2026, time.October, 1)
	r := register(t, people.Options{Seed: 12, AsOf: asOf})
	const sample = 3000
	stayed := 0
	for i := range uint64(sample) {
		p := r.At(i)
		born, _ := directory.Find(p.Document.Number[1:3], vn.MustDate(2025, time.June, 30))
		home, found := directory.Find(p.Residence.Unit, asOf)
		if !found || !strings.HasSuffix(p.Residence.Text, directory.FullName(home, asOf)) {
			t.Fatalf("%+v is no address of %s", *p.Residence, home.Name)
		}
		if province, _ := directory.Province(home, asOf); directory.On(born, asOf)[0].Key == province.Key {
			stayed++
		}
	}
	if perMille := stayed * 1000 / sample; perMille < 830 || perMille > 920 {
		t.Errorf("%d of 1,000 stayed", perMille)
	}
}

func TestARegisterOfThePastHasTheAddressesOfThePast(t *testing.T) {
	t.Parallel()
	directory, err := units.Load()
	if err != nil {
		t.Fatal(err)
	}
	asOf := vn.MustDate(2025, time.January, 1)
	r := register(t, people.Options{Seed: 13, AsOf: asOf})
	for i := range uint64(300) {
		p := r.At(i)
		if home, found := directory.Find(p.Residence.Unit, asOf); !found || strings.Count(directory.FullName(home, asOf), ",") != 2 {
			t.Fatalf("%+v has no district", *p.Residence)
		}
	}
}

func TestChildrenShowTheirBirthCertificate(t *testing.T) {
	t.Parallel()
	asOf := vn.MustDate(2026, time.October, 1)
	r := register(t, people.Options{Seed: 14, AsOf: asOf})
	for i := range uint64(3000) {
		p := r.At(i)
		child := p.BirthDate.Latest().YearsUntil(asOf) < 14
		if child != (p.Document.Type == people.BirthCertificate) || child != (p.Phone == "") {
			t.Fatalf("born %s: %s, phone %q", p.BirthDate, p.Document.Type, p.Phone)
		}
	}
}

func TestNamesFollowGenerationAndPlace(t *testing.T) {
	t.Parallel()
	r := register(t, people.Options{Seed: 15})
	type group struct{ thi, all int }
	women := map[string]*group{"old": {}, "young": {}}
	peoples := map[string]int{}
	for i := range uint64(40_000) {
		p := r.At(i)
		words := strings.Fields(p.FullName)
		if p.Sex == vn.Female && strings.HasPrefix(p.Document.Number, "031") { // Hải Phòng
			g := women["old"]
			if p.BirthDate.Year() >= 2000 {
				g = women["young"]
			}
			if p.BirthDate.Year() < 1975 || p.BirthDate.Year() >= 2000 {
				g.all++
				if slices.Contains(words, "Thị") {
					g.thi++
				}
			}
		}
		for people, surnames := range map[string][]string{"H'Mông": {"Giàng", "Thào", "Sùng"}, "Ê Đê": {"Y", "H'Hen", "H'Lương"}, "Khmer": {"Thạch", "Danh"}} {
			if slices.Contains(surnames, words[0]) {
				peoples[people]++
			}
		}
	}
	if old, young := women["old"], women["young"]; old.thi*100/old.all < 45 || young.thi*100/young.all > 30 {
		t.Errorf("women with Thị: born before 1975 %+v, since 2000 %+v", *old, *young)
	}
	for _, name := range []string{"H'Mông", "Ê Đê", "Khmer"} {
		if peoples[name] < 10 {
			t.Errorf("%d %s names", peoples[name], name)
		}
	}
}

func TestEveryKindHasItsOwnOwners(t *testing.T) {
	t.Parallel()
	r := register(t, people.Options{Seed: 16})
	directory, err := units.Load()
	if err != nil {
		t.Fatal(err)
	}
	baDinh, _ := directory.Find("00004", vn.MustDate(2026, time.October, 1))
	type owners struct{ Organisations, Persons bool }
	got := map[people.Kind]owners{}
	for _, kind := range people.Kinds() {
		var o owners
		for n := range uint64(60) {
			f := r.Facility(kind, baDinh, n)
			o.Organisations, o.Persons = o.Organisations || f.Organisation, o.Persons || !f.Organisation
			if strings.HasPrefix(f.Name, "Hộ ") && !strings.HasSuffix(f.Name, f.Contact) {
				t.Errorf("%s is run by %s", f.Name, f.Contact)
			}
		}
		got[kind] = o
	}
	want := map[people.Kind]owners{
		"tourist": {true, true}, "dormitory": {true, false}, "medical": {true, false}, "household": {false, true},
		"boarding_house": {false, true}, "other": {true, false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
}
