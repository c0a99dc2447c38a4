package units_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
)

func before() vn.Date { return vn.MustDate(2025, time.June, 30) }
func after() vn.Date  { return vn.MustDate(2025, time.July, 1) }
func today() vn.Date  { return vn.MustDate(2026, time.November, 21) }

func load(t testing.TB) *units.Directory {
	t.Helper()
	d, err := units.Load()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func names(list []units.Unit) []string {
	var names []string
	for _, u := range list {
		names = append(names, u.Code+" "+u.Name)
	}
	return names
}

func TestTheNumbersAreThoseOfTheLaw(t *testing.T) {
	t.Parallel()
	d := load(t)
	count := func(level units.Level, on vn.Date) int { return len(slices.Collect(d.All(level, on))) }
	kinds := func(on vn.Date) map[string]int {
		kinds := map[string]int{}
		for u := range d.All(units.Commune, on) {
			kinds[strings.TrimSuffix(u.Name, " "+u.ShortName())]++
		}
		return kinds
	}
	got := map[string]any{
		"2025-06-30": []int{count(units.Province, before()), count(units.District, before()), count(units.Commune, before())},
		"2025-07-01": []int{count(units.Province, after()), count(units.District, after()), count(units.Commune, after())},
		"2026-11-21": []int{count(units.Province, today()), count(units.District, today()), count(units.Commune, today())},
		"kinds then": kinds(after()),
		"kinds now":  kinds(today()),
	}
	want := map[string]any{
		"2025-06-30": []int{63, 696, 10_035},
		"2025-07-01": []int{34, 0, 3_321},
		"2026-11-21": []int{34, 0, 3_321},
		"kinds then": map[string]int{"Phường": 687, "Xã": 2_621, "Đặc khu": 13},
		"kinds now":  map[string]int{"Phường": 709, "Xã": 2_599, "Đặc khu": 13},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestACodeMeansAnotherPlaceAfterTheReform(t *testing.T) {
	t.Parallel()
	d := load(t)
	got := map[string]string{}
	for _, code := range []string{"00004", "24", "75", "25270", "00001"} {
		for _, on := range []vn.Date{before(), after(), today()} {
			if u, found := d.Find(code, on); found {
				got[code+" "+on.String()] = u.Name
			}
		}
	}
	want := map[string]string{
		"00004 2025-06-30": "Phường Trúc Bạch",
		"00004 2025-07-01": "Phường Ba Đình",
		"00004 2026-11-21": "Phường Ba Đình",
		"24 2025-06-30":    "Tỉnh Bắc Giang",
		"24 2025-07-01":    "Tỉnh Bắc Ninh",
		"24 2026-11-21":    "Thành phố Bắc Ninh",
		"75 2025-06-30":    "Tỉnh Đồng Nai",
		"75 2025-07-01":    "Tỉnh Đồng Nai",
		"75 2026-11-21":    "Thành phố Đồng Nai",
		"25270 2025-06-30": "Thị trấn Lộc Ninh",
		"25270 2025-07-01": "Xã Lộc Ninh",
		"25270 2026-11-21": "Phường Lộc Ninh",
		"00001 2025-06-30": "Phường Phúc Xá",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestAChangeTakesEffectOnItsDayAndNotTheDayBefore(t *testing.T) {
	t.Parallel()
	d := load(t)
	day := vn.MustDate(2026, time.April, 30)
	old, _ := d.Find("26368", day.AddDays(-1))
	renamed, _ := d.Find("26368", day)
	want := []units.Unit{
		{
			Key: units.Key{Code: "26368", ValidFrom: after()}, ValidUntil: day,
			Level: units.Commune, Parent: "75", Name: "Xã Long Thành", Basis: "19/2025/QĐ-TTg",
		},
		{
			Key:   units.Key{Code: "26368", ValidFrom: day},
			Level: units.Commune, Parent: "75", Name: "Phường Long Thành", Basis: "237/NQ-UBTVQH16",
		},
	}
	if diff := cmp.Diff(want, []units.Unit{old, renamed}, cmp.AllowUnexported(units.Unit{})); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"26368 Phường Long Thành"}, names(d.Successors(old))); diff != "" {
		t.Errorf("successors (-want +got):\n%s", diff)
	}
	if again, found := d.Get(old.Key); !found || again != old {
		t.Errorf("the key %v leads to %v, %t", old.Key, again, found)
	}
}

func TestASplitCommuneOffersAllItsSuccessors(t *testing.T) {
	t.Parallel()
	d := load(t)
	split, sizes := 0, map[int]int{}
	for u := range d.All(units.Commune, before()) {
		n := len(d.Successors(u))
		if n == 0 {
			t.Errorf("%s %s has no successor", u.Code, u.Name)
		}
		if n > 1 {
			split++
		}
		sizes[n]++
	}
	if diff := cmp.Diff(map[int]int{1: 9_593, 2: 370, 3: 56, 4: 15, 5: 1}, sizes); diff != "" {
		t.Errorf("communes by number of successors (-want +got):\n%s", diff)
	}
	tanTrieu, _ := d.Find("00643", before())
	want := []string{"00643 Phường Thanh Liệt", "00316 Phường Định Công", "09556 Phường Hà Đông", "00364 Phường Khương Đình"}
	if diff := cmp.Diff(want, names(d.Successors(tanTrieu))); diff != "" {
		t.Errorf("Xã Tân Triều became (-want +got):\n%s", diff)
	}
}

func TestNamesakesAreNotMixedUp(t *testing.T) {
	t.Parallel()
	d := load(t)
	got := map[string][]string{}
	for _, code := range []string{"31246", "31714", "28437"} {
		u, _ := d.Find(code, before())
		got[d.FullName(u, before())] = names(d.Successors(u))
	}
	want := map[string][]string{
		"Xã Thạnh Quới, Huyện Vĩnh Thạnh, Thành phố Cần Thơ": {"31246 Xã Thạnh Quới"},
		"Xã Thạnh Quới, Huyện Mỹ Xuyên, Tỉnh Sóc Trăng":      {"31726 Xã Gia Hòa"},
		"Phường 3, Thị xã Cai Lậy, Tỉnh Tiền Giang":          {"28435 Phường Mỹ Phước Tây"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("successors (-want +got):\n%s", diff)
	}
}

func TestAnOldAddressIsFollowedThroughAllReforms(t *testing.T) {
	t.Parallel()
	d := load(t)
	locNinh, _ := d.Find("25270", before())
	coNhue, _ := d.Find("00616", before())
	bacGiang, _ := d.Find("24", before())
	island, _ := d.Find("755", before())
	district, _ := d.Find("001", before())
	newest, _ := d.Find("25270", today())
	got := map[string][]string{
		"through two reforms":           names(d.On(locNinh, today())),
		"through a split":               names(d.On(coNhue, today())),
		"a province":                    names(d.On(bacGiang, today())),
		"an island without communes":    names(d.On(island, today())),
		"a district was abolished":      names(d.On(district, today())),
		"still in force":                names(d.On(locNinh, before())),
		"a day before the unit existed": names(d.On(newest, before())),
	}
	want := map[string][]string{
		"through two reforms":           {"25270 Phường Lộc Ninh"},
		"through a split":               {"00160 Phường Nghĩa Đô", "00619 Phường Phú Diễn", "00611 Phường Xuân Đỉnh"},
		"a province":                    {"24 Thành phố Bắc Ninh"},
		"an island without communes":    {"26732 Đặc khu Côn Đảo"},
		"a district was abolished":      nil,
		"still in force":                {"25270 Thị trấn Lộc Ninh"},
		"a day before the unit existed": nil,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("units of today (-want +got):\n%s", diff)
	}
}

func TestEveryUnitLiesInItsProvince(t *testing.T) {
	t.Parallel()
	d := load(t)
	for _, on := range []vn.Date{before(), after(), today()} {
		total := 0
		for province := range d.All(units.Province, on) {
			communes := d.Communes(province, on)
			total += len(communes)
			for _, commune := range communes {
				if p, found := d.Province(commune, on); !found || p.Key != province.Key {
					t.Fatalf("on %s %s lies in %v, %t", on, commune.Code, p.Key, found)
				}
			}
		}
		if all := len(slices.Collect(d.All(units.Commune, on))); total != all {
			t.Errorf("on %s the provinces hold %d of %d communes", on, total, all)
		}
	}
	trucBach, _ := d.Find("00004", before())
	if p, found := d.Province(trucBach, today()); found {
		t.Errorf("a unit of the past lies in %s today", p.Name)
	}
}

func TestAnyCodeOnAnyDayMeansAtMostOneUnit(t *testing.T) {
	t.Parallel()
	d := load(t)
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.StringMatching(`[0-9]{1,6}`).Draw(t, "code")
		day := after().AddDays(rapid.IntRange(-5000, 5000).Draw(t, "days"))
		u, found := d.Find(code, day)
		if !found {
			return
		}
		if u.Code != code || !u.Holds(day) {
			t.Fatalf("%s on %s gave %v", code, day, u.Key)
		}
		if again, found := d.Get(u.Key); !found || again != u {
			t.Fatalf("the key %v leads to %v", u.Key, again.Key)
		}
		for _, next := range d.On(u, today()) {
			if !next.Holds(today()) {
				t.Fatalf("%s became %v, which does not hold", code, next.Key)
			}
		}
	})
}

func TestListsThatContradictThemselvesAreRefused(t *testing.T) {
	t.Parallel()
	const province = "01\t\tThành phố Hà Nội\n"
	for name, lists := range map[string][3]string{
		"no file":                          {},
		"too few fields":                   {"01\n", province, "#"},
		"code of four digits":              {"0100\t01\tXã Mới\n", province, "#"},
		"commune without parent":           {"00001\t\tXã Mới\n", province, "#"},
		"parent does not exist":            {"00001\t99\tXã Mới\n", province, "#"},
		"successor does not exist":         {"02\t\tTỉnh Hà Giang\t08\n", province, "#"},
		"one code twice":                   {province + province, province, "#"},
		"impossible day":                   {"#", province, "2026-02-30\t01\t\tHà Nội\t\tx\n"},
		"two changes on one day":           {"#", province, "2026-01-01\t01\t\tA\t\tx\n2026-01-01\t01\t\tB\t\tx\n"},
		"the end of something that is not": {"#", province, "2026-01-01\t02\t\t-\t\tx\n"},
	} {
		files := fstest.MapFS{}
		for i, file := range []string{"before-2025-07-01.tsv", "from-2025-07-01.tsv", "changes.tsv"} {
			if lists[i] != "" {
				files["data/"+file] = &fstest.MapFile{Data: []byte(lists[i])}
			}
		}
		if _, err := units.Read(files); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAMergerInTheFutureNeedsALineOnly(t *testing.T) {
	t.Parallel()
	d, err := units.Read(fstest.MapFS{
		"data/before-2025-07-01.tsv": {Data: []byte("01\t\tThành phố Hà Nội\t01\n")},
		"data/from-2025-07-01.tsv":   {Data: []byte("01\t\tThành phố Hà Nội\n00004\t01\tPhường Ba Đình\n00008\t01\tPhường Ngọc Hà\n")},
		"data/changes.tsv":           {Data: []byte("2027-01-01\t00008\t\t-\t00004\t1/2026/QH16\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	ngocHa, _ := d.Find("00008", today())
	if diff := cmp.Diff([]string{"00004 Phường Ba Đình"}, names(d.On(ngocHa, vn.MustDate(2027, time.January, 1)))); diff != "" {
		t.Errorf("merged into (-want +got):\n%s", diff)
	}
}

func TestShortNamesKeepNumbers(t *testing.T) {
	t.Parallel()
	d := load(t)
	var got []string
	for _, code := range []string{"00004", "27430", "755", "79", "26732"} {
		u, found := d.Find(code, before())
		if !found {
			u, _ = d.Find(code, today())
		}
		got = append(got, u.ShortName()+" ("+u.Level.String()+")")
	}
	want := []string{"Trúc Bạch (commune)", "Phường 16 (commune)", "Côn Đảo (district)", "Hồ Chí Minh (province)", "Côn Đảo (commune)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("short names (-want +got):\n%s", diff)
	}
}

func BenchmarkLoad(b *testing.B) {
	files := embeddedFiles(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := units.Read(files); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	d, on := load(b), today()
	b.ReportAllocs()
	for b.Loop() {
		d.Find("26368", on)
	}
}

// The same code, two places: the day decides.
func Example() {
	directory, err := units.Load()
	if err != nil {
		fmt.Println(err)
		return
	}
	old, _ := directory.Find("00004", vn.MustDate(2025, time.June, 30))
	now := vn.MustDate(2025, time.July, 1)
	fmt.Println(old.Name)
	for _, successor := range directory.On(old, now) {
		fmt.Println(directory.FullName(successor, now), "since", successor.ValidFrom)
	}
	// Output:
	// Phường Trúc Bạch
	// Phường Ba Đình, Thành phố Hà Nội since 2025-07-01
}

func embeddedFiles(b *testing.B) fstest.MapFS {
	b.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{"data/before-2025-07-01.tsv", "data/from-2025-07-01.tsv", "data/changes.tsv"} {
		data, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	return files
}
