package entitlement

import (
	"strconv"

	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// Data is the whole content of a rules file, row by row.
type Data struct {
	Note         string        `json:"note"`
	Programmes   []Programme   `json:"programmes"`
	Standards    []Standard    `json:"standards"`
	Levels       []Level       `json:"levels"`
	Rules        []Rule        `json:"rules"`
	Combinations []Combination `json:"combinations"`
	Suspensions  []Limit       `json:"suspensions"`
	// UnknownBirthdays says how old people are whose day of birth nobody knows.
	UnknownBirthdays []Reading `json:"unknown_birthdays"`
	OneOffs          []OneOff  `json:"one_offs"`
}

// Validity is when a row holds, from when it may be used, and who says so. Rows of one series follow each other
// without gap or overlap.
type Validity struct {
	// From and To are months, both included; without To the row is open.
	From month.Month `json:"from"`
	To   month.Month `json:"to,omitzero"`
	// KnownFrom is the first day on which a computation may use the row; until then the row before it goes on.
	KnownFrom  vn.Date `json:"known_from"`
	LegalBasis string  `json:"legal_basis"`
	// Verified is false for what nobody could check against a source.
	Verified bool   `json:"verified"`
	Note     string `json:"note,omitempty"`
}

// Programme is a kind of benefit with its own budget, and the series of standards that its amounts are multiples of.
type Programme struct {
	ID       string `json:"id"`
	Standard string `json:"standard"`
	Title    string `json:"title"`
	TitleVI  string `json:"title_vi"`
}

// Standard is the amount a month which a coefficient of 1.0 stands for.
type Standard struct {
	Series string       `json:"series"`
	Amount money.Amount `json:"amount"`
	Validity
}

// Level is a province's own amount for a series of standards. It counts where it is higher.
type Level struct {
	Province string       `json:"province"`
	Series   string       `json:"series"`
	Amount   money.Amount `json:"amount"`
	Validity
}

// Rule is a line of the table of coefficients: a category at certain ages. Without ages it holds at every age.
type Rule struct {
	ID          string `json:"id"`
	Programme   string `json:"programme"`
	Category    string `json:"category"`
	Coefficient Tenths `json:"coefficient"`
	Ages        []Ages `json:"ages,omitempty"`
	// PerChild multiplies by [Facts.Children].
	PerChild bool `json:"per_child,omitempty"`
	// Sensitive says that the category alone tells of an illness. It warns the reader of the table; no answer leaves out
	// such rules and shows the others, because the gap would tell the same.
	Sensitive bool   `json:"sensitive,omitempty"`
	Title     string `json:"title"`
	TitleVI   string `json:"title_vi"`
	Validity
}

// Ages is a band of ages in years. Under is the first age outside of it; 0 is without end.
type Ages struct {
	From  int `json:"from,omitempty"`
	Under int `json:"under,omitempty"`
}

// Combination lists categories that may be paid beside one category. What no combination names excludes each other.
type Combination struct {
	Category string   `json:"category"`
	With     []string `json:"with"`
	Validity
}

// Limit is how long a right may be suspended.
type Limit struct {
	Months int `json:"months"`
	Validity
}

// The two values of [Reading.CountsAs].
const (
	countsAsEarliest = "earliest"
	countsAsLatest   = "latest"
)

// Reading says whether an unknown birthday counts as the first or the last day that it may be.
type Reading struct {
	CountsAs string `json:"counts_as"`
	Validity
}

// OneOff is a multiple of a standard that is paid once. No line is computed from it yet.
type OneOff struct {
	ID       string `json:"id"`
	Standard string `json:"standard"`
	Times    int    `json:"times"`
	Title    string `json:"title"`
	TitleVI  string `json:"title_vi"`
	Validity
}

// validity lets a series of any kind of row be checked for gaps and overlaps.
func (v Validity) validity() Validity { return v }

// Tenths is a coefficient, counted exactly: 15 is "1.5".
type Tenths int32

// ParseTenths accepts one decimal and no other form: "1.5", not "1,5", "1", "1.50" or "01.5".
func ParseTenths(s string) (Tenths, error) {
	digits := len(s) - len(".5")
	if digits < 1 || s[digits] != '.' || digits > 1 && s[0] == '0' {
		return 0, errCoefficient
	}
	tenths, err := strconv.ParseUint(s[:digits]+s[digits+1:], 10, 16)
	if err != nil {
		return 0, errCoefficient // without strconv's words, which repeat the value
	}
	return Tenths(tenths), nil
}

// String returns "1.5".
func (t Tenths) String() string {
	return strconv.Itoa(int(t)/10) + "." + strconv.Itoa(int(t)%10)
}

// MarshalText writes the form that [ParseTenths] reads.
func (t Tenths) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what [ParseTenths] accepts. A JSON number is refused, because its reader may take it for a float.
func (t *Tenths) UnmarshalText(text []byte) error {
	parsed, err := ParseTenths(string(text))
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}
