package banks_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/banks"
)

func load(t testing.TB) *banks.Directory {
	t.Helper()
	d, err := banks.Load()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func today() vn.Date { return vn.MustDate(2026, time.November, 21) }

func TestTheBanksAreThoseOfTheResearch(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for b := range load(t).All(today()) {
		got[b.BIN+" "+b.BIC] = b.ShortName
	}
	want := map[string]string{
		"970436 BFTVVNVX": "Vietcombank", "970415 ICBVVNVX": "VietinBank", "970418 BIDVVNVX": "BIDV",
		"970405 VBAAVNVX": "Agribank", "970449 LVBKVNVX": "LPBank", "970422 MSCBVNVX": "MB", "970416 ASCBVNVX": "ACB",
		"970407 VTCBVNVX": "Techcombank", "970432 VPBKVNVX": "VPBank", "970403 SGTTVNVX": "Sacombank",
		"970423 TPBVVNVX": "TPBank", "970441 VNIBVNVX": "VIB", "970443 SHBAVNVX": "SHB", "970437 HDBCVNVX": "HDBank",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("banks (-want +got):\n%s", diff)
	}
}

func TestABankIsFoundByBICAndByBINUnderItsNameOfTheDay(t *testing.T) {
	t.Parallel()
	d := load(t)
	for day, want := range map[vn.Date]string{
		vn.MustDate(2015, time.May, 1):   "LienVietPostBank, Ngân hàng TMCP Bưu điện Liên Việt",
		vn.MustDate(2024, time.July, 14): "LPBank, Ngân hàng TMCP Bưu điện Liên Việt",
		vn.MustDate(2024, time.July, 15): "LPBank, Ngân hàng TMCP Lộc Phát Việt Nam",
	} {
		byBIC, found := d.Find("LVBKVNVX", day)
		byBranch, foundBranch := d.Find("LVBKVNVX001", day)
		byBIN, foundBIN := d.FindBIN("970449", day)
		if !found || !foundBranch || !foundBIN || byBIC != byBIN || byBIC != byBranch || byBIC.ShortName+", "+byBIC.Name != want {
			t.Errorf("%s: %+v, %+v, %+v; want %s", day, byBIC, byBranch, byBIN, want)
		}
	}
	for _, bic := range []string{"", "NOBKVNVX", "icbvvnvx", "ICBVVNVX1"} {
		if b, found := d.Find(bic, today()); found {
			t.Errorf("%q leads to %s", bic, b.ShortName)
		}
	}
}

func TestWhatNobodyHasConfirmedSaysSo(t *testing.T) {
	t.Parallel()
	d := load(t)
	for b := range d.All(today()) {
		if b.Verified == (b.ShortName == "LPBank") || b.Source == "" {
			t.Errorf("%s: verified %v, source %q", b.ShortName, b.Verified, b.Source)
		}
	}
}

// list is a directory with a takeover, a change of BIC and a reuse of it.
func list(lines ...string) (*banks.Directory, error) {
	text := strings.ReplaceAll(strings.Join(lines, "\n"), "|", "\t")
	return banks.Read(fstest.MapFS{"data/banks.tsv": {Data: []byte(text)}})
}

func TestAccountsFollowATakeover(t *testing.T) {
	t.Parallel()
	d, err := list("# a comment", "",
		"|970001|AAAAVNVX|A|Bank A||S|test", "|970002|BBBBVNVX|B|Bank B||S|test",
		"2020-01-01|970001|AAAAVNVX|A1|Bank A renamed||U|test",
		"2025-01-01|970001|||-|970002|S|test", "2025-06-01|970003|AAAAVNVX|C|Bank C||S|test",
		"2026-01-01|970003|||-||S|test")
	if err != nil {
		t.Fatal(err)
	}
	first, _ := d.FindBIN("970001", vn.MustDate(2019, time.January, 1))
	for day, want := range map[vn.Date]string{
		vn.MustDate(2019, time.January, 1): "A", vn.MustDate(2020, time.January, 1): "A1",
		vn.MustDate(2024, time.December, 31): "A1", vn.MustDate(2025, time.January, 1): "B",
	} {
		if got, found := d.On(first, day); !found || got.ShortName != want {
			t.Errorf("%s: %s (%v), want %s", day, got.ShortName, found, want)
		}
	}
	ended, _ := d.FindBIN("970003", vn.MustDate(2025, time.June, 1))
	for _, day := range []vn.Date{vn.MustDate(2025, time.May, 31), vn.MustDate(2026, time.January, 1)} {
		if got, found := d.On(ended, day); found {
			t.Errorf("%s: %s", day, got.ShortName)
		}
	}
}

func TestAListThatContradictsItselfIsRefused(t *testing.T) {
	t.Parallel()
	a := "|970001|AAAAVNVX|A|Bank A||S|test"
	for want, lines := range map[string][]string{
		"read data/banks.tsv line 1: 2 fields instead of 8":                         {"970001|A"},
		"read data/banks.tsv line 1: a BIN has six digits":                          {"|97001x|AAAAVNVX|A|Bank A||S|test"},
		"read data/banks.tsv line 1: a BIC has eight capitals":                      {"|970001|aaaavnvx|A|Bank A||S|test"},
		"read data/banks.tsv line 1: a bank has two names":                          {"|970001|AAAAVNVX||Bank A||S|test"},
		"read data/banks.tsv line 1: a line has the mark S or U, and its source":    {"|970001|AAAAVNVX|A|Bank A||X|test"},
		"read data/banks.tsv line 2: the versions of a bank stand in order of date": {a, a},
		"read data/banks.tsv line 1: a bank ends that did not exist":                {"2025-01-01|970001|||-||S|test"},
		"read data/banks.tsv line 1: date_impossible":                               {"2025-02-30|970001|||-||S|test"},
		"read data/banks.tsv: AAAAVNVX means two banks on one day":                  {a, "2025-01-01|970002|AAAAVNVX|B|Bank B||S|test"},
		"read data/banks.tsv: the accounts of 970001 went to 970009, which did not exist on 2025-01-01": {
			a, "2025-01-01|970001|||-|970009|S|test",
		},
	} {
		if _, err := list(lines...); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	if _, err := banks.Read(fstest.MapFS{}); err == nil {
		t.Error("a list that is not there was read")
	}
}

func Example() {
	directory, err := banks.Load()
	if err != nil {
		fmt.Println(err)
		return
	}
	then, _ := directory.Find("LVBKVNVX", vn.MustDate(2020, time.March, 1))
	now, _ := directory.On(then, vn.MustDate(2026, time.November, 21))
	fmt.Println(then.ShortName, "became", now.ShortName, "and is still", now.BIN)
	// Output: LienVietPostBank became LPBank and is still 970449
}
