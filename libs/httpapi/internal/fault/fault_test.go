package fault_test

import (
	"testing"

	"github.com/songan-vn/songan/libs/httpapi/internal/fault"
)

func TestOnlyWhatLooksLikeANameOfAFieldIsShown(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"full_name": true, "fullName": true, "x-1": true, "line2b2": true,
		"": false, "full name": false, "001090123456": false, "C1234567": false, "Nguyễn": false, "a\x00": false, "a/b": false,
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": false,
	} {
		if got := fault.Showable(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestTheNearestNameIsFoundWithinTwoLetters(t *testing.T) {
	t.Parallel()
	known := []string{"full_name", "sex", "birth_date", "id"}
	for name, want := range map[string]string{
		"fullname": "full_name", "FULL-NAME": "full_name", "ful_nam": "full_name", "fu_nm": "", "sexx": "sex", "s": "sex", "q": "",
		"date_of_birth": "", "di": "",
	} {
		if got := fault.Nearest(name, known); got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}

func TestTextsExistInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, f := range []func() (code, en, vi string){
		func() (string, string, string) { f := fault.Required(); return f.Code, f.Message, f.MessageVI },
		func() (string, string, string) {
			f := fault.UnknownMember("", false)
			return f.Code, f.Message, f.MessageVI
		},
		func() (string, string, string) { f := fault.Malformed(1, 2); return f.Code, f.Message, f.MessageVI },
		func() (string, string, string) { f := fault.TooMany(); return f.Code, f.Message, f.MessageVI },
	} {
		if code, en, vi := f(); code == "" || en == "" || vi == "" || en == vi {
			t.Error(code, en, vi)
		}
	}
}
