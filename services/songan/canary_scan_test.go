package songan_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/songan-vn/songan/libs/vn"
)

// scanner finds what is known of the canaries in any text, however it is written: in capitals, without accents, with
// separators, escaped as JSON or as a URL, in base64 or in hexadecimal digits.
type scanner struct {
	// words are the made-up words of names and streets, folded; see [wordOf].
	words map[string]string
	// digits are numbers of documents, phones and accounts.
	digits map[string]string
	// codes are numbers of passports, folded; see [passportOf].
	codes map[string]string
	// lengths are those of digits from [buried] on: they are found within longer runs, too.
	lengths []int
}

const (
	// buried is the length from which a number is looked for inside a longer one: shorter ones occur in time stamps.
	buried = 12
	// shortest is the length of the shortest number that is looked for.
	shortest = 8
	// shortestRun is how long a text in base64 or hexadecimal has to be to hold anything, longestCode how long at most.
	shortestRun = 12
	longestCode = 1 << 20
	// groups is into how many parts a number may be separated.
	groups = 6
)

func newScanner() *scanner {
	return &scanner{words: map[string]string{}, digits: map[string]string{}, codes: map[string]string{}}
}

// code adds the number of a passport.
func (s *scanner) code(number, what string) { s.codes[fold(number)] = what }

// word adds a made-up word.
func (s *scanner) word(word, what string) { s.words[fold(word)] = what }

// number adds a number; whatever is no digit in it does not count.
func (s *scanner) number(number, what string) {
	only := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
	s.digits[only] = what
	if n := len(only); n >= buried && !slices.Contains(s.lengths, n) {
		s.lengths = append(s.lengths, n)
	}
}

// finding is something about a person that stands where it must not.
type finding struct{ place, what, around string }

func (f finding) String() string { return f.place + " holds " + f.what + ": " + f.around }

// scan looks at a text in all its forms.
func (s *scanner) scan(place, text string) (found []finding) {
	note := func(what, form string, from, to int) {
		const margin = 60
		excerpt := strings.ToValidUTF8(form[max(0, from-margin):min(len(form), to+margin)], "?")
		f := finding{place, what, strconv.Quote(excerpt)}
		if !slices.ContainsFunc(found, func(o finding) bool { return o.what == what }) {
			found = append(found, f)
		}
	}
	s.look(text, note)
	if strings.Contains(text, "%") {
		s.look(unpercent(text), note)
	}
	for coded := range runs(text) {
		for _, plain := range decoded(coded) {
			s.look(plain, note)
		}
	}
	return found
}

// look finds words and numbers in one form of a text.
func (s *scanner) look(text string, note func(what, form string, from, to int)) {
	form := fold(text)
	for at := 0; ; {
		next := strings.Index(form[at:], "zq")
		if next < 0 {
			break
		}
		at += next
		if end := at + wordLength; end <= len(form) {
			if what, known := s.words[form[at:end]]; known {
				note(what, form, at, end)
			}
		}
		at += len("zq")
	}
	s.lookForCodes(form, note)
	s.lookForNumbers(form, note)
}

// lookForCodes finds passports, also when something stands between their letters and digits.
func (s *scanner) lookForCodes(form string, note func(what, form string, from, to int)) {
	for at := 0; ; {
		next := strings.Index(form[at:], passportLetters)
		if next < 0 {
			return
		}
		at += next + len(passportLetters)
		digits := at
		if digits < len(form) && strings.IndexByte(" -._/", form[digits]) >= 0 {
			digits++
		}
		if end := digits + passportDigits; end <= len(form) {
			if what, known := s.codes[passportLetters+form[digits:end]]; known {
				note(what, form, at, end)
			}
		}
	}
}

// lookForNumbers looks at every run of digits, and at neighbouring runs that one separator parts.
func (s *scanner) lookForNumbers(form string, note func(what, form string, from, to int)) {
	var last []span
	for run := range digitRuns(form) {
		if n := len(last); n > 0 && (run.from-last[n-1].to != 1 || !strings.ContainsRune(" .-/", rune(form[run.from-1]))) {
			last = last[:0]
		}
		if last = append(last, run); len(last) > groups {
			last = last[1:]
		}
		joined := ""
		for _, part := range slices.Backward(last) {
			joined = form[part.from:part.to] + joined
			if len(joined) < shortest {
				continue
			}
			if what, known := s.digits[joined]; known {
				note(what, form, part.from, run.to)
			}
		}
		s.lookInside(form, run, note)
	}
}

func (s *scanner) lookInside(form string, run span, note func(what, form string, from, to int)) {
	for _, n := range s.lengths {
		for from := run.from; from+n <= run.to; from++ {
			if what, known := s.digits[form[from:from+n]]; known {
				note(what, form, from, from+n)
			}
		}
	}
}

type span struct{ from, to int }

func digitRuns(form string) func(func(span) bool) {
	return func(yield func(span) bool) {
		for at := 0; at < len(form); at++ {
			if form[at] < '0' || form[at] > '9' {
				continue
			}
			from := at
			for at < len(form) && '0' <= form[at] && form[at] <= '9' {
				at++
			}
			if !yield(span{from, at}) {
				return
			}
		}
	}
}

// runs are the parts of a text that may be base64 or hexadecimal.
func runs(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for at := 0; at < len(text); at++ {
			from := at
			for at < len(text) && isCode(text[at]) {
				at++
			}
			if at-from >= shortestRun && !yield(text[from:min(at, from+longestCode)]) {
				return
			}
		}
	}
}

func isCode(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '/' || c == '-' || c == '_'
}

// decoded is what a run says in hexadecimal, and in base64 from each of the four places where it may begin. Ids whose
// letters are all lower case, such as ours in base32, are no base64 of any text.
func decoded(run string) (plain []string) {
	if b, err := hex.DecodeString(run[:len(run)&^1]); err == nil {
		plain = append(plain, string(b))
	}
	if b, err := hex.DecodeString(run[1 : 1+(len(run)-1)&^1]); err == nil {
		plain = append(plain, string(b))
	}
	if strings.ToLower(run) == run || strings.ToUpper(run) == run {
		return plain
	}
	run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
	for from := range 4 {
		part := run[from:]
		if len(part)%4 == 1 { // no whole byte
			part = part[:len(part)-1]
		}
		if b, err := base64.RawStdEncoding.DecodeString(part); err == nil {
			plain = append(plain, string(b))
		}
	}
	return plain
}

// fold writes a text in lower case and without accents, and reads what JSON escaped.
func fold(text string) string {
	out := make([]byte, 0, len(text))
	for at := 0; at < len(text); {
		c := text[at]
		switch {
		case c == '\\' && at+5 < len(text) && text[at+1] == 'u':
			if code, err := strconv.ParseUint(text[at+2:at+6], 16, 32); err == nil {
				out = append(out, plainLetter(rune(code))...)
				at += 6
				continue
			}
			out = append(out, c)
		case 'A' <= c && c <= 'Z':
			out = append(out, c+'a'-'A')
		case c < utf8.RuneSelf:
			out = append(out, c)
		default:
			r, size := utf8.DecodeRuneInString(text[at:])
			out = append(out, plainLetter(r)...)
			at += size
			continue
		}
		at++
	}
	return string(out)
}

// plainLetter is a letter without its marks; a mark on its own is nothing.
func plainLetter(r rune) string {
	switch {
	case r < utf8.RuneSelf:
		return strings.ToLower(string(r))
	case 0x300 <= r && r <= 0x36f:
		return ""
	case 0xc0 <= r && r <= 0x24f, 0x1e00 <= r && r <= 0x1eff:
		return strings.ToLower(vn.Fold(string(r)))
	}
	return "?"
}

// unpercent reads what a URL escaped, as far as it is that.
func unpercent(text string) string {
	out := make([]byte, 0, len(text))
	for at := 0; at < len(text); at++ {
		if text[at] == '%' && at+2 < len(text) {
			if b, err := hex.DecodeString(text[at+1 : at+3]); err == nil {
				out = append(out, b...)
				at += 2
				continue
			}
		}
		out = append(out, text[at])
	}
	return string(out)
}

const wordLength = len("zqxbacedo")

// wordOf is a word that no language and no program has: zq, a letter for what it is, and three syllables for whose.
func wordOf(kind string, n int) string {
	syllables := []string{"bá", "cề", "đỗ", "gử", "hị", "kạ", "lắ", "mộ", "nữ", "tý", "vĩ", "xỏ"}
	return "Zq" + kind + syllables[n/144%12] + syllables[n/12%12] + syllables[n%12]
}

const (
	passportLetters = "zk"
	passportDigits  = 7
)

// passportOf is the number of a foreigner's passport.
func passportOf(n int) string {
	return strings.ToUpper(passportLetters) + strconv.Itoa(1_000_000+n*7919)
}

func TestTheScannerFindsAPersonHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	s := newScanner()
	s.code(passportOf(3), "the passport")
	word := wordOf("x", 1234)
	s.word(word, "the name")
	s.number("001090712345", "the number")
	s.number("+84912345678", "the phone")
	quoted := strconv.QuoteToASCII(word)
	for _, c := range []struct{ text, finds string }{
		{"Nguyễn " + word + " An", "the name"},
		{strings.ToUpper(vn.Fold("Nguyễn " + word)), "the name"},
		{`{"full_name":` + quoted + `}`, "the name"},
		{"/notices?name=" + url.QueryEscape(word) + "&x=1", "the name"},
		{"token " + base64.StdEncoding.EncodeToString([]byte(`{"name":"`+word+`"}`)), "the name"},
		{"a" + base64.RawURLEncoding.EncodeToString([]byte("ab"+word+"!?")), "the name"},
		{`\x` + hex.EncodeToString([]byte("name "+word)), "the name"},
		{"001090712345", "the number"},
		{"001 090 712 345", "the number"},
		{"001.090-712345", "the number"},
		{"room 101 001090 712345 12", "the number"},
		{"id77001090712345", "the number"},
		{base64.StdEncoding.EncodeToString([]byte("no. 001090712345")), "the number"},
		{"tel:+84912345678", "the phone"},
		{"passport " + passportOf(3), "the passport"},
		{strings.ToLower(passportOf(3)), "the passport"},
		{"?doc=ZK-" + passportOf(3)[2:] + "&x", "the passport"},
		{base64.StdEncoding.EncodeToString([]byte("no " + passportOf(3))), "the passport"},
		{passportOf(4), ""},
		{"84-912-345-678", "the phone"},
		{"at 2026-11-21T23:44:55.849123456789Z", ""},
		{"Nguyễn Văn An, 001090712346, zqxbabaxx", ""},
	} {
		got := ""
		for _, f := range s.scan("here", c.text) {
			got += f.what
		}
		if got != c.finds {
			t.Errorf("in %q it finds %q, want %q", c.text, got, c.finds)
		}
	}
}
