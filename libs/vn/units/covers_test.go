package units_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
)

func TestWhoIsResponsibleForAUnit(t *testing.T) {
	t.Parallel()
	d := load(t)
	key := func(code string, on vn.Date) units.Key {
		u, found := d.Find(code, on)
		if !found {
			t.Fatalf("no unit %s", code)
		}
		return u.Key
	}
	for _, c := range []struct {
		name, officer string
		unit          units.Key
		on            vn.Date
		want          bool
	}{
		{"a commune covers itself", "00004", key("00004", today()), today(), true},
		{"a province covers its commune", "01", key("00004", today()), today(), true},
		{"a province covers itself", "01", key("01", today()), today(), true},
		{"another province does not", "79", key("00004", today()), today(), false},
		{"another commune does not", "00008", key("00004", today()), today(), false},
		{"a commune does not cover its province", "00004", key("01", today()), today(), false},
		{"a commune covers what became it, under the same code", "00004", key("00004", before()), today(), true},
		{"a province covers a district of before, through its communes' unit", "01", key("00004", before()), today(), true},
		{"a unit of today is nobody's before it is there", "00004", key("00004", today()), before(), false},
		{"a code that nothing has", "99999", key("00004", today()), today(), false},
		{"a unit that never was", "01", units.Key{Code: "00004", ValidFrom: vn.MustDate(1999, 1, 1)}, today(), false},
		{"nobody", "", key("00004", today()), today(), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := d.Covers(c.officer, c.unit, c.on); got != c.want {
				t.Fatalf("covers: %t", got)
			}
		})
	}
}

func TestWhatIsCoveredIsListed(t *testing.T) {
	t.Parallel()
	d := load(t)
	for _, officer := range []string{"01", "00004", "99999"} {
		keys := slices.Collect(d.Covered(officer, today()))
		for _, key := range keys {
			if !d.Covers(officer, key, today()) {
				t.Errorf("%s is said to cover %v", officer, key)
			}
		}
		if u, found := d.Find(officer, today()); found != slices.Contains(keys, u.Key) {
			t.Errorf("%s and itself", officer)
		}
	}
}

func ExampleDirectory_Covers() {
	d, err := units.Load()
	if err != nil {
		panic(err)
	}
	on := vn.MustDate(2026, 11, 21)
	commune, _ := d.Find("00004", on)
	fmt.Println(d.Covers("00004", commune.Key, on), d.Covers("01", commune.Key, on), d.Covers("79", commune.Key, on))
	// Output: true true false
}

func BenchmarkCovered(b *testing.B) {
	d := load(b)
	for b.Loop() {
		for range d.Covered("01", today()) {
			continue
		}
	}
}
