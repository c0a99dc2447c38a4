package vn_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/vn"
)

// vietnamese draws words of Vietnamese letters, and some of everything else.
func vietnamese() *rapid.Generator[string] {
	letters := []rune("aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵđbcghklmnpqrstvxĐNHTÂ'’-. ")
	return rapid.OneOf(rapid.StringOfN(rapid.SampledFrom(letters), 0, 30, -1), rapid.String())
}

func TestFoldingForgetsAccentsCaseAndSpacesOnly(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"Nguyễn Văn An":             "NGUYEN VAN AN",
		"  Đặng   Thị\tÁnh ":        "DANG THI ANH",
		"Hòa":                       "HOA",
		"Hoà":                       "HOA",
		"HÒA":                       "HOA",
		"Thủy":                      "THUY",
		"Thuỷ":                      "THUY",
		"đỗ đình đông":              "DO DINH DONG",
		"Ðỗ":                        "DO", // Icelandic eth
		"Ɖỗ":                        "DO", // African D
		"H'Hen Niê":                 "H'HEN NIE",
		"H’Hen Niê":                 "H'HEN NIE",
		"Ngô Thừa Ân":               "NGO THUA AN",
		"Åse Østby Łukasz":          "ASE OSTBY LUKASZ",
		"Straße":                    "STRASSE",
		"İsmail Işık":               "ISMAIL ISIK",
		"Ирина":                     "ИРИНА",
		"李小龙":                       "李小龙",
		"":                          "",
		norm.NFD.String("Trần Đức"): "TRAN DUC",
	}
	got := map[string]string{}
	for name := range want {
		got[name] = vn.Fold(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Fold (-want +got):\n%s", diff)
	}
}

func TestFoldingTwiceIsFoldingOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := vietnamese().Draw(t, "name")
		folded := vn.Fold(s)
		if again := vn.Fold(folded); again != folded {
			t.Fatalf("%q folds to %q, that to %q", s, folded, again)
		}
		for form, other := range map[string]string{"NFC": norm.NFC.String(s), "NFD": norm.NFD.String(s)} {
			if got := vn.Fold(other); got != folded {
				t.Fatalf("%q folds to %q, in %s to %q", s, folded, form, got)
			}
		}
		if strings.TrimSpace(folded) != folded || strings.Contains(folded, "  ") {
			t.Fatalf("%q folds to %q", s, folded)
		}
	})
}

func TestVietnameseFoldsToTheLettersAToZ(t *testing.T) {
	t.Parallel()
	letters := []rune("aàáảãạăằắẳẵặâầấẩẫậbcdđeèéẻẽẹêềếểễệghiìíỉĩịklmnoòóỏõọôồốổỗộơờớởỡợpqrstuùúủũụưừứửữựvxyỳýỷỹỵ")
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOfN(rapid.SampledFrom(letters), 1, 20, -1).Draw(t, "name")
		for _, written := range []string{name, strings.ToUpper(name), norm.NFD.String(name)} {
			for _, r := range vn.Fold(written) {
				if r < 'A' || r > 'Z' {
					t.Fatalf("%q folds to %q", written, vn.Fold(written))
				}
			}
		}
	})
}

func TestNamesOfPeopleAreLettersOfAnyScript(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"Nguyễn Văn An":                   "Nguyễn Văn An",
		"  nguyễn   văn  an \r\n":         "nguyễn văn an",
		norm.NFD.String("Trần Thị Bé"):    "Trần Thị Bé",
		"H'Hen Niê":                       "H'Hen Niê",
		"Jean-Luc O’Neil Jr.":             "Jean-Luc O’Neil Jr.",
		"李小龙":                             "李小龙",
		"สมชาย ใจดี":                      "สมชาย ใจดี",
		"मोहनदास गांधी":                   "मोहनदास गांधी",
		"الحسين":                          "الحسين",
		"A":                               "A",
		"":                                "name_empty",
		" \t ":                            "name_empty",
		"Nguyễn Văn An 2":                 "name_digit",
		"Nguyễn Văn ٣":                    "name_digit",
		"Nguyễn\x00Văn":                   "name_control_character",
		"Nguyễn\nVăn":                     "name_control_character",
		"Nguyễn Văn\u200b":                "name_character",
		"\u202eNguyễn":                    "name_character",
		"Nguyễn <b>":                      "name_character",
		"Nguyễn; drop":                    "name_character",
		"a@b":                             "name_character",
		"👍":                               "name_character",
		"...":                             "name_no_letter",
		"\u0301a":                         "name_character",
		"a\u0301\u0302\u0303\u0304\u0308": "name_character",
		"\xff\xfe":                        "name_encoding",
		strings.Repeat("Đ", 100):          strings.Repeat("Đ", 100),
		strings.Repeat("Đ", 101):          "name_too_long",
	}
	got := map[string]string{}
	for written := range want {
		name, err := vn.ParseName(written)
		got[written] = name
		if err != nil {
			got[written] = vn.FaultOf(err).Code
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ParseName (-want +got):\n%s", diff)
	}
}

func TestNamesAreAlikeSaveForAccents(t *testing.T) {
	t.Parallel()
	want := map[[2]string]vn.Likeness{
		{"Nguyễn Văn An", "NGUYỄN VĂN AN"}:        vn.SameName,
		{"Nguyễn Văn An", "  nguyễn  văn an"}:     vn.SameName,
		{"Phạm Thị Hòa", "Phạm Thị Hoà"}:          vn.SameName,
		{"Họa Mi", "Hoạ Mi"}:                      vn.SameName,
		{"Lê Thủy", "Lê Thuỷ"}:                    vn.SameName,
		{"Quý", "Quí"}:                            vn.OtherName,
		{"Trần Đức", norm.NFD.String("Trần Đức")}: vn.SameName,
		{"Nguyễn Văn An", "NGUYEN VAN AN"}:        vn.OtherAccents,
		{"Nguyễn Hà", "Nguyễn Hạ"}:                vn.OtherAccents,
		{"Đào", "Dào"}:                            vn.OtherAccents,
		{"Trần Văn Tấn", "Trần Văn Tân"}:          vn.OtherAccents,
		{"Hòa Hoa", "Hoa Hòa"}:                    vn.OtherAccents,
		{"Nguyễn Văn An", "Nguyễn Văn Ân Phúc"}:   vn.OtherName,
		{"Nguyễn Văn An", "An Nguyễn Văn"}:        vn.OtherName,
		{"", ""}:                                  vn.SameName,
	}
	got := map[[2]string]vn.Likeness{}
	for pair := range want {
		got[pair] = vn.CompareNames(pair[0], pair[1])
		if back := vn.CompareNames(pair[1], pair[0]); back != got[pair] {
			t.Errorf("%v depends on the order", pair)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("CompareNames (-want +got):\n%s", diff)
	}
}

func FuzzParseName(f *testing.F) {
	for _, seed := range []string{"Nguyễn Văn An", "H'Hen Niê", "a\u0301", "\xff", "李小龙", "  x  "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, written string) {
		name, err := vn.ParseName(written)
		if err != nil {
			return
		}
		if again, err := vn.ParseName(name); err != nil || again != name {
			t.Errorf("%q was read as %q, and that as %q, %v", written, name, again, err)
		}
		if !norm.NFC.IsNormalString(name) || utf8.RuneCountInString(name) > 100 || strings.ContainsFunc(name, unicode.IsControl) {
			t.Errorf("%q was read as %q", written, name)
		}
		if vn.CompareNames(written, name) != vn.SameName || vn.Fold(name) == "" {
			t.Errorf("%q and %q are not one name", written, name)
		}
	})
}

func BenchmarkFold(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		vn.Fold("Nguyễn Thị Thuý Hằng")
	}
}

func ExampleFold() {
	fmt.Println(vn.Fold("Đặng Thị Thủy"))
	fmt.Println(vn.Fold("Hòa") == vn.Fold("Hoà"), vn.CompareNames("Hòa", "Hoà") == vn.SameName)
	fmt.Println(vn.CompareNames("Nguyễn Hà", "NGUYEN HA") == vn.OtherAccents)
	// Output:
	// DANG THI THUY
	// true true
	// true
}

// What lets plain names be accepted without taking them apart.
func TestNoLetterIsMadeOfAnythingButALetterAndAFewMarks(t *testing.T) {
	t.Parallel()
	for r := range unicode.MaxRune {
		if !unicode.IsLetter(r) {
			continue
		}
		marks := 0
		for i, part := range norm.NFD.String(string(r)) {
			switch {
			case unicode.IsLetter(part):
			case unicode.IsMark(part) && i > 0:
				marks++
			default:
				t.Errorf("%U holds %U", r, part)
			}
		}
		if marks > 3 {
			t.Errorf("%U has %d marks", r, marks)
		}
	}
}
