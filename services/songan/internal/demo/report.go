package demo

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/demo/evening"
)

// result is everything that is known when the evening is over.
type result struct {
	tally    *tally
	expected evening.Figures
	// before and after are the statistics around the evening.
	before, after province
	// listed is how many notices were found one by one as they should be.
	listed int
	// busy and lost are the requests that had to be sent again.
	busy, lost int64
}

// row is one figure: what was expected, what the front desks were answered and what the API says afterwards. Negative
// is a figure that one of them cannot know.
type row struct {
	name                    string
	expected, answered, api int
}

func (r row) agrees() bool {
	return (r.answered < 0 || r.answered == r.expected) && (r.api < 0 || r.api == r.expected)
}

const unknown = -1

// rows compares all figures, those of refusals last.
func (r result) rows() []row {
	statistics := r.after.playing.plus(-1, r.before.playing).figures()
	counted := func(name string) row {
		return row{name, r.expected[name], r.tally.figures[name], unknown}
	}
	withAPI := func(name string) row {
		return row{name, r.expected[name], r.tally.figures[name], statistics[name]}
	}
	fromAPI := func(name string) row { return row{name, r.expected[name], unknown, statistics[name]} }
	rows := []row{
		counted(evening.CheckIns), withAPI(evening.Accepted), withAPI(evening.Late), withAPI(string(evening.Foreigners)),
		fromAPI(evening.Matched), fromAPI(evening.Mismatched), fromAPI(evening.NotFound), fromAPI(evening.Unavailable),
		{"notices read one by one", r.expected[evening.Accepted], unknown, r.listed},
		withAPI(evening.Departed), withAPI(evening.Cancelled),
		counted(evening.Extended), counted(evening.Moved), counted(evening.Corrected), counted(evening.Repeated),
	}
	names := map[string]bool{}
	for _, figures := range []evening.Figures{r.expected, r.tally.figures} {
		for name := range figures {
			if evening.IsRefusal(name) {
				names[name] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		rows = append(rows, counted(name))
	}
	return rows
}

// err names what differs.
func (r result) err() error {
	var differing []string
	for _, row := range r.rows() {
		if !row.agrees() {
			differing = append(differing, row.name)
		}
	}
	switch {
	case len(differing) > 0:
		return fmt.Errorf("not as planned: %s", strings.Join(differing, "; "))
	case r.tally.differing > 0:
		return fmt.Errorf("all figures agree, but %d answers were not as planned", r.tally.differing)
	}
	return nil
}

// print writes the tables.
func (r result) print(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n  %-40s %9s %9s %9s\n", "figure", "expected", "answered", "API")
	for _, row := range r.rows() {
		verdict := "ok"
		if !row.agrees() {
			verdict = "DIFFERS"
		}
		fmt.Fprintf(&b, "  %-40s %9s %9s %9s  %s\n", row.name, grouped(row.expected), known(row.answered), known(row.api), verdict)
	}
	r.printTimes(&b)
	if r.busy+r.lost > 0 {
		fmt.Fprintf(&b, "\n  Sent again, with the same keys: %s answers asked to come later, %s did not come.\n", grouped(r.busy), grouped(r.lost))
	}
	for _, difference := range r.tally.differences {
		fmt.Fprintf(&b, "\n  %s", difference)
	}
	if rest := r.tally.differing - len(r.tally.differences); rest > 0 {
		fmt.Fprintf(&b, "\n  and %s more\n", grouped(rest))
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("write the tables: %w", err)
	}
	return nil
}

func (r result) printTimes(b *strings.Builder) {
	fmt.Fprintf(b, "\n  %-32s %7s %11s %11s %11s %11s\n", "time", "of", "p50", "p90", "p99", "most")
	for _, line := range []struct {
		name   string
		sample []time.Duration
	}{
		{"check-in, from sent to answered", r.tally.answers},
		{"check-in, from due to answered", r.tally.fromDue},
		{"list of guests", r.tally.lists},
		{"change", r.tally.changes},
		{"from notified to identity checked", r.tally.checks},
	} {
		p := percentilesOf(line.sample)
		fmt.Fprintf(b, "  %-34s %5s %11s %11s %11s %11s\n", line.name, grouped(p.count), ms(p.p50), ms(p.p90), ms(p.p99), ms(p.max))
	}
}

func known(n int) string {
	if n == unknown {
		return "-"
	}
	return grouped(n)
}

func ms(d time.Duration) string {
	return fmt.Sprintf("%d.%d ms", d/time.Millisecond, d%time.Millisecond/(100*time.Microsecond))
}

// printChecks writes how to ask the API for three of the figures. The token is read where it stands.
func (r result) printChecks(out io.Writer, demoFile, base string, a *auditor) {
	fmt.Fprintln(out, "\nAsk the API yourself:")
	fmt.Fprintf(out, "\n  token=$(sed -n '/\"role\": \"admin\"/,/}/s/.*\"token\": \"\\(.*\\)\".*/\\1/p' %s)\n", demoFile)
	for _, figure := range []struct {
		field       string
		before, now int
	}{
		{"stays", r.before.all.Stays, r.after.all.Stays},
		{"late", r.before.all.Late, r.after.all.Late},
		{"matched", r.before.all.Matched, r.after.all.Matched},
	} {
		fmt.Fprintf(out, "  curl -s -H \"Authorization: Bearer $token\" '%s' | tr ',{' '\\n' | awk -F: '/\"%s\":/ {n+=$2} END {print n}'\n",
			base+a.statisticsPath("kind"), figure.field)
		fmt.Fprintf(out, "      # %d, %d of them before this evening\n", figure.now, figure.before)
	}
	fmt.Fprintln(out)
}
