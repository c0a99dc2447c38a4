package entitlement_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

const document = "../../../../docs/social-security.md"

// updateDocument writes the tables into the document instead of comparing them.
const updateDocument = "SONGAN_TEST_UPDATE_DOCUMENT"

func TestTheDocumentShowsTheRulesAsTheyAre(t *testing.T) {
	t.Parallel()
	written, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	want := string(written)
	all := tables(entitlement.National().Data())
	all["golden"] = goldenTable(readGolden(t))
	for name, table := range all {
		begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->\n"
		before, rest, found := strings.Cut(want, begin)
		_, after, closed := strings.Cut(rest, end)
		if !found || !closed {
			t.Fatalf("the document has no place for %s", name)
		}
		want = before + begin + table + end + after
	}
	if os.Getenv(updateDocument) != "" {
		if err := os.WriteFile(document, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(written)); diff != "" {
		t.Fatalf("%s=1 go test . writes it anew:\n%s", updateDocument, diff)
	}
}

// tables returns everything in the document that is data, by the name of its place.
func tables(d entitlement.Data) map[string]string {
	standards := newTable("series", "amount a month", "months", "usable from", "basis", "")
	for _, s := range d.Standards {
		standards.row(s.Series, s.Amount.String(), months(s.Validity), s.KnownFrom.String(), s.LegalBasis, remark(s.Validity))
	}
	levels := newTable("province", "series", "amount a month", "months", "basis", "")
	for _, l := range d.Levels {
		levels.row(l.Province, l.Series, l.Amount.String(), months(l.Validity), l.LegalBasis, remark(l.Validity))
	}
	rules := newTable("rule", "category", "who", "ages", "coefficient", "months", "basis", "")
	for _, r := range d.Rules {
		coefficient := r.Coefficient.String()
		if r.PerChild {
			coefficient += " × children"
		}
		category := "`" + r.Category + "`"
		if r.Sensitive {
			category += " (sensitive)"
		}
		rules.row(r.ID, category, r.Title, ages(r.Ages), coefficient, months(r.Validity), r.LegalBasis, remark(r.Validity))
	}
	others := newTable("what", "value", "months", "basis", "")
	for _, c := range d.Combinations {
		others.row("`"+c.Category+"` is paid beside one of", strings.Join(c.With, ", "), months(c.Validity), c.LegalBasis, remark(c.Validity))
	}
	for _, s := range d.Suspensions {
		others.row("longest suspension", fmt.Sprintf("%d months", s.Months), months(s.Validity), s.LegalBasis, remark(s.Validity))
	}
	for _, r := range d.UnknownBirthdays {
		others.row("an unknown birthday counts as the", r.CountsAs+" day it may be", months(r.Validity), r.LegalBasis, remark(r.Validity))
	}
	for _, o := range d.OneOffs {
		others.row(o.Title, fmt.Sprintf("%d × %s", o.Times, o.Standard), months(o.Validity), o.LegalBasis, remark(o.Validity))
	}
	reasons := newTable("code", "English", "Vietnamese")
	for _, r := range entitlement.Reasons() {
		english, vietnamese := r.Texts()
		reasons.row("`"+string(r)+"`", english, vietnamese)
	}
	return map[string]string{
		"standards": standards.String(), "levels": levels.String(), "rules": rules.String(),
		"others": others.String(), "reasons": reasons.String(),
	}
}

// goldenTable lists the cases that were worked out by hand, in the order of the domain's own list first.
func goldenTable(f goldenFile) string {
	var rows [][]string
	for _, c := range f.Cases {
		var paid []string
		for _, m := range slices.SortedFunc(maps.Keys(c.Months), month.Month.Compare) {
			paid = append(paid, m.String()+": "+c.Months[m].Total.String())
		}
		rows = append(rows, []string{c.Source, c.Name, strings.Join(paid, ", ")})
	}
	for _, c := range f.Arrears {
		due := []string{}
		for _, o := range c.Due {
			due = append(due, fmt.Sprintf("%s: %s %s", o.Month, o.Kind, o.Amount))
		}
		if len(due) == 0 {
			due = append(due, "nothing")
		}
		rows = append(rows, []string{c.Source, c.Name, strings.Join(due, ", ")})
	}
	for _, c := range f.Shared {
		rows = append(rows, []string{c.Source, c.Name, fmt.Sprintf("%d of %d held, signal `%s`", c.Held, c.People, c.Signal)})
	}
	slices.SortStableFunc(rows, func(a, b []string) int { return strings.Compare(order(a[0]), order(b[0])) })
	t := newTable("from", "case", "what it comes to")
	for _, r := range rows {
		t.row(r...)
	}
	return t.String()
}

// order puts the domain's golden cases before what was taken from its other parts.
func order(source string) string {
	if strings.HasPrefix(source, "golden") {
		return " " + source
	}
	return source
}

type table struct{ strings.Builder }

func newTable(columns ...string) *table {
	var t table
	t.row(columns...)
	t.WriteString(strings.Repeat("|---", len(columns)) + "|\n")
	return &t
}

func (t *table) row(cells ...string) { t.WriteString("| " + strings.Join(cells, " | ") + " |\n") }

func months(v entitlement.Validity) string {
	if v.To.IsZero() {
		return "from " + v.From.String()
	}
	return v.From.String() + " to " + v.To.String()
}

func remark(v entitlement.Validity) string {
	var parts []string
	if !v.Verified {
		parts = append(parts, "**unverified**")
	}
	if v.Note != "" {
		parts = append(parts, v.Note)
	}
	return strings.Join(parts, "; ")
}

func ages(bands []entitlement.Ages) string {
	var texts []string
	for _, b := range bands {
		switch {
		case b.Under == 0:
			texts = append(texts, fmt.Sprintf("%d and older", b.From))
		case b.From == 0:
			texts = append(texts, fmt.Sprintf("under %d", b.Under))
		default:
			texts = append(texts, fmt.Sprintf("%d to under %d", b.From, b.Under))
		}
	}
	return strings.Join(texts, ", ")
}
