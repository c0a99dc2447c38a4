package demo

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/demo/board"
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

// row is one figure: what was expected, what the front desks were answered and what the API says afterwards. Either of
// the last two may be unknown.
type row struct {
	name                    string
	expected, answered, api int
}

func (r row) agrees() bool {
	return (r.answered == unknown || r.answered == r.expected) && (r.api == unknown || r.api == r.expected)
}

// unknown is no figure: differences of statistics may well be negative, when something is lost.
const unknown = math.MinInt

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
		fmt.Fprintf(&b, "  %-40s %9s %9s %9s  %s\n", row.name, board.Grouped(row.expected), known(row.answered), known(row.api), verdict)
	}
	r.printTimes(&b)
	if r.busy+r.lost > 0 {
		fmt.Fprintf(&b, "\n  Sent again, with the same keys: %s answers asked to come later, %s did not come.\n", board.Grouped(r.busy), board.Grouped(r.lost))
	}
	for _, difference := range r.tally.differences {
		fmt.Fprintf(&b, "\n  %s", difference)
	}
	if rest := r.tally.differing - len(r.tally.differences); rest > 0 {
		fmt.Fprintf(&b, "\n  and %s more\n", board.Grouped(rest))
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
		fmt.Fprintf(b, "  %-34s %5s %11s %11s %11s %11s\n", line.name, board.Grouped(p.count), ms(p.p50), ms(p.p90), ms(p.p99), ms(p.max))
	}
}

func known(n int) string {
	if n == unknown {
		return "-"
	}
	return board.Grouped(n)
}

func ms(d time.Duration) string {
	return fmt.Sprintf("%d.%d ms", d/time.Millisecond, d%time.Millisecond/(100*time.Microsecond))
}

// printChecks writes how to ask the API for three of the figures. The token is read where it stands.
func (r result) printChecks(out io.Writer, demoFile, base string, a *auditor) {
	fmt.Fprint(out, "\n  Ask the API yourself:\n\n")
	fmt.Fprintf(out, "token=$(sed -n '/\"role\": \"admin\"/,/}/s/.*\"token\": \"\\(.*\\)\".*/\\1/p' %s)\n", demoFile)
	now, before := r.after.all, r.before.all
	for _, figure := range []struct {
		name, members string
		now, before   int
	}{
		{evening.Accepted, "stays|cancelled", now.Stays + now.Cancelled, before.Stays + before.Cancelled},
		{evening.Late, evening.Late, now.Late, before.Late},
		{evening.Matched, evening.Matched, now.Matched, before.Matched},
	} {
		fmt.Fprintf(out, "curl -s -H \"Authorization: Bearer $token\" '%s' |\n", base+a.statisticsPath("kind"))
		fmt.Fprintf(out, "  tr '{,' '\\n' | awk -F: '/\"(%s)\":/ {n += $2} END {print n}'   # %d: %d %s this evening, %d before\n",
			figure.members, figure.now, figure.now-figure.before, figure.name, figure.before)
	}
}
