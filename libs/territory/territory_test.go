package territory_test

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/territory"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
)

// reformed is Vietnam, where on the first of 2027 Ngọc Hà (00008) becomes part of Ba Đình (00004), and Giảng Võ (00025) is
// divided between Ba Đình and Ô Chợ Dừa (00235).
func reformed(t testing.TB) *units.Directory {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{"data/before-2025-07-01.tsv", "data/from-2025-07-01.tsv", "data/changes.tsv"} {
		text, err := fs.ReadFile(os.DirFS("../vn/units"), name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	files["data/changes.tsv"].Data = append(files["data/changes.tsv"].Data,
		"\n2027-01-01\t00008\t01\t-\t00004\t1/NQ-UBTVQH\n2027-01-01\t00025\t01\t-\t00004 00235\t1/NQ-UBTVQH\n"...)
	d, err := units.Read(files)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func key(code string) units.Key { return territory.Key(code, "2025-07-01") }

// sight is who sees what at a moment: officers by their codes, units that facts name.
func sight(m *territory.Map) map[string][]string {
	seen := map[string][]string{}
	for _, officer := range []string{"00004", "00008", "00025", "00235", "01", "79"} {
		for _, unit := range []string{"00004", "00008", "00025", "00235"} {
			if m.Area(officer).Has(key(unit)) {
				seen[officer] = append(seen[officer], unit)
			}
		}
	}
	return seen
}

func TestAMergedCommuneHandsItsRightsOverAtMidnightInVietnam(t *testing.T) {
	t.Parallel()
	midnight := time.Date(2026, 12, 31, 17, 0, 0, 0, time.UTC) // 2027-01-01 00:00 +07:00
	before := map[string][]string{
		"00004": {"00004"}, "00008": {"00008"}, "00025": {"00025"}, "00235": {"00235"}, "01": {"00004", "00008", "00025", "00235"},
	}
	after := map[string][]string{
		"00004": {"00004", "00008", "00025"}, "00235": {"00025", "00235"}, "01": {"00004", "00008", "00025", "00235"},
	}
	var now time.Time
	m := territory.New(reformed(t), func() time.Time { return now }) // one map all the time: it must not remember yesterday
	for _, c := range []struct {
		at   time.Time
		want map[string][]string
	}{
		{midnight.Add(-7 * time.Hour), before}, // midnight in UTC is nothing
		{midnight.Add(-time.Nanosecond), before},
		{midnight, after},
		{midnight.Add(7 * time.Hour), after},
		{midnight.AddDate(1, 0, 0), after},
		{midnight.Add(-time.Second), before}, // a clock that was set back
	} {
		now = c.at
		if diff := cmp.Diff(c.want, sight(m)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.at.In(vn.Zone), diff)
		}
		if over := m.Over(key("00008")); slices.Contains(over, "00008") != c.at.Before(midnight) || !slices.Contains(over, "01") {
			t.Errorf("%s: over 00008 are %v", c.at.In(vn.Zone), over)
		}
	}
}

// What a unit covers and who is over it are the same, asked from two sides, and what the law's own function says.
func TestAnAreaAndWhoIsOverAUnitAgree(t *testing.T) {
	t.Parallel()
	d := reformed(t)
	var all []units.Unit
	for _, day := range []vn.Date{vn.MustDate(2024, 1, 1), vn.MustDate(2026, 1, 1)} {
		for _, level := range []units.Level{units.Province, units.District, units.Commune} {
			all = slices.AppendSeq(all, d.All(level, day))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		day := vn.MustDate(2025, 6, 28).AddDays(rapid.IntRange(0, 700).Draw(t, "day"))
		m := territory.New(d, func() time.Time { return day.At(12, 0) })
		officer, unit := rapid.SampledFrom(all).Draw(t, "officer").Code, rapid.SampledFrom(all).Draw(t, "unit").Key
		want := d.Covers(officer, unit, day)
		if got := m.Area(officer).Has(unit); got != want {
			t.Fatalf("area: %t, want %t", got, want)
		}
		if got := slices.Contains(m.Over(unit), officer); got != want {
			t.Fatalf("over: %t, want %t", got, want)
		}
	})
}

func TestNothingIsNothingAndEverythingIsSaid(t *testing.T) {
	t.Parallel()
	m := territory.New(reformed(t), func() time.Time { return time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC) })
	for name, area := range map[string]territory.Area{
		"the zero value": {}, "a code that nothing has": m.Area("99999"), "no code": m.Area(""),
		"what a commune has in common with another province": m.Area("00004").And(m.Area("79")),
	} {
		codes, since := area.Columns()
		if codes == nil || since == nil || len(codes)+len(since) > 0 || area.Names() == nil || area.Has(key("00004")) || area.Has(units.Key{}) {
			t.Errorf("%s is something: %v", name, codes)
		}
	}
	all := territory.Everywhere()
	if codes, since := all.Columns(); codes != nil || since != nil || all.Names() != nil || !all.Has(key("00004")) || !all.Has(units.Key{}) {
		t.Error("everywhere is not everywhere")
	}
	if commune := m.Area("00004"); !all.And(commune).Equal(commune) || !commune.And(all).Equal(commune) || !m.Area("01").And(commune).Equal(commune) {
		t.Error("what is asked for does not narrow")
	}
	if m.Area("01").Empty() || all.Empty() || !m.Area("99999").Empty() {
		t.Error("what is empty is told wrongly")
	}
	if unreadable := territory.Key("00004", "yesterday"); m.Area("01").Has(unreadable) || len(m.Over(unreadable)) > 0 {
		t.Error("somebody is responsible for what cannot be read")
	}
}

func Example() {
	directory, err := units.Load()
	if err != nil {
		panic(err)
	}
	m := territory.New(directory, func() time.Time { return time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC) })
	commune := territory.Key("00004", "2025-07-01")
	fmt.Println(m.Area("01").Has(commune), m.Area("79").Has(commune), m.Over(commune))
	// Output: true false [00004 01]
}
