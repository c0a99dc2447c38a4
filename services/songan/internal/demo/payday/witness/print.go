package witness

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/songan-vn/songan/services/songan/internal/demo/board"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/statement"
)

// Print writes the statement of some months, what the witnesses say, and what was noted before they were asked.
func (t *Testimony) Print(out io.Writer, months []string, noted *Journal) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n  Statement for %s, payments and dong\n\n", strings.Join(months, ", "))
	table(&b, "commune", t.communes, true)
	b.WriteString("\n")
	table(&b, "bank", t.banks, false)
	fmt.Fprintf(&b, "\n  %-28s %26s %26s %26s\n", "witness", "the demo", "the API", "the banks' own books")
	for _, f := range t.figures {
		verdict := "ok"
		if !f.Agrees() {
			verdict = "DIFFERS"
		}
		fmt.Fprintf(&b, "  %-28s %26s %26s %26s  %s\n", f.Name, told26(f.Demo), told26(f.API), told26(f.Banks), verdict)
	}
	fmt.Fprintf(&b, "\n  %s of %s payments by account stand in a bank's book as the API says. %d attempts to approve one's own work were refused.\n",
		board.Grouped(t.followed), board.Grouped(t.byAccount), noted.refusals)
	differences := slices.Concat(noted.differences, t.journal.differences)
	for _, difference := range differences {
		fmt.Fprintf(&b, "\n  %s", difference)
	}
	if rest := noted.Count + t.journal.Count - len(differences); rest > 0 {
		fmt.Fprintf(&b, "\n  and %s more\n", board.Grouped(rest))
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("write the statement: %w", err)
	}
	return nil
}

// told26 is a sum for a column of that width.
func told26(s *statement.Sum) string {
	if s == nil {
		return "-"
	}
	return board.Grouped(s.Payments) + "  " + board.Grouped(s.Dong)
}

// table writes a statement with a column for each part and one for the whole.
func table(b *strings.Builder, kind string, parts map[string]statement.Sums, whole bool) {
	names := slices.Sorted(maps.Keys(parts))
	columns := make([]statement.Sums, 0, len(names)+1)
	fmt.Fprintf(b, "  %-17s", kind)
	for _, name := range names {
		columns = append(columns, parts[name])
		fmt.Fprintf(b, " %20s", name)
	}
	columns = append(columns, total(parts))
	fmt.Fprintf(b, " %20s\n", "together")
	for _, row := range rows() {
		if row.cash && !whole {
			continue // banks have no cash of ours
		}
		fmt.Fprintf(b, "  %-17s", row.name)
		for _, sums := range columns {
			sum := row.of(sums)
			fmt.Fprintf(b, " %5s %14s", board.Grouped(sum.Payments), board.Grouped(sum.Dong))
		}
		b.WriteString("\n")
	}
	if !whole {
		return
	}
	fmt.Fprintf(b, "  %-17s", "cashless share")
	for _, sums := range columns {
		fmt.Fprintf(b, " %18d.%d %%", sums.Cashless()/10, sums.Cashless()%10)
	}
	b.WriteString("\n")
}

// row is a line of the statement.
type row struct {
	name string
	cash bool
	of   func(statement.Sums) statement.Sum
}

func rows() []row {
	return []row{
		{"instructed", false, func(s statement.Sums) statement.Sum { return s.Instructed }},
		{"credited", false, func(s statement.Sums) statement.Sum { return s.Credited }},
		{"rejected", false, func(s statement.Sums) statement.Sum { return s.Rejected }},
		{"returned", false, func(s statement.Sums) statement.Sum { return s.Returned }},
		{"in flight", false, func(s statement.Sums) statement.Sum { return s.InFlight }},
		{"unknown", false, func(s statement.Sums) statement.Sum { return s.Unknown }},
		{"cash", true, func(s statement.Sums) statement.Sum { return s.Cash }},
		{"  handed over", true, func(s statement.Sums) statement.Sum { return s.HandedOver }},
		{"carried forward", true, func(s statement.Sums) statement.Sum { return s.Carried }},
		{"difference", false, statement.Sums.Difference},
	}
}
