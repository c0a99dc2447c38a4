package measure

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Figure is one line of the table.
type Figure struct {
	Point, Here, Bar string
	// Meets tells whether the bar is reached.
	Meets bool
	// Over names the places that are to blame, if there are any.
	Over []string
}

// Figures sets what was counted against the bars.
func (r Report) Figures() []Figure {
	median, p90, longest := r.quantile(50), r.quantile(90), r.quantile(100)
	documented := share(r.Exported-len(r.Undocumented), r.Exported)
	wrapped := share(r.Wrapped, r.Wrapped+r.Bare)
	lonely := share(len(r.Lonely), r.Interfaces)
	ratio := share(r.TestLines, r.CodeLines)
	anys := 10 * share(r.Anys, r.CodeLines)
	return []Figure{
		{Point: "function lines, median", Here: fmt.Sprint(median), Bar: "<= 9", Meets: median <= 9},
		{Point: "function lines, p90", Here: fmt.Sprint(p90), Bar: "<= 30", Meets: p90 <= 30},
		{
			Point: "function lines, longest", Here: fmt.Sprint(longest), Bar: fmt.Sprintf("<= %d", MaxFunctionLines),
			Meets: longest <= MaxFunctionLines, Over: r.LongFunctions,
		},
		{
			Point: fmt.Sprintf("files over %d lines", MaxFileLines), Here: fmt.Sprint(len(r.LongFiles)), Bar: "0",
			Meets: len(r.LongFiles) == 0, Over: r.LongFiles,
		},
		{
			Point: "largest package, lines", Here: fmt.Sprintf("%d (%s)", r.LargestPackageLines, r.LargestPackage),
			Bar: fmt.Sprintf("<= %d", MaxPackageLines), Meets: len(r.LargePackages) == 0, Over: r.LargePackages,
		},
		{
			Point: "exported names documented", Here: fmt.Sprintf("%.1f %% of %d", documented, r.Exported), Bar: ">= 98 %",
			Meets: documented >= 98, Over: r.Undocumented,
		},
		{
			Point: "packages with a comment", Here: fmt.Sprintf("%d of %d", r.Packages-len(r.Uncommented), r.Packages), Bar: "all",
			Meets: len(r.Uncommented) == 0, Over: r.Uncommented,
		},
		{
			Point: "test lines per code line", Here: fmt.Sprintf("%.2f (%d / %d)", ratio/100, r.TestLines, r.CodeLines),
			Bar: "1.0 - 1.5", Meets: ratio >= 100 && ratio <= 150,
		},
		{
			Point: "interfaces with at most one implementation", Here: fmt.Sprintf("%.0f %% of %d", lonely, r.Interfaces),
			Bar: "<= 25 %", Meets: lonely <= 25, Over: r.Lonely,
		},
		{Point: "any per 1,000 lines", Here: fmt.Sprintf("%.1f", anys), Bar: "<= 3", Meets: anys <= 3},
		{
			Point: "error returns that add context", Here: fmt.Sprintf("%.0f %% of %d", wrapped, r.Wrapped+r.Bare),
			Bar: ">= 60 %", Meets: wrapped >= 60,
		},
	}
}

// Print writes the figures as a table, and below it the places that are over a bar.
func Print(out io.Writer, figures []Figure) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "point\there\tbar\t")
	for _, f := range figures {
		verdict := "ok"
		if !f.Meets {
			verdict = "OVER"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", f.Point, f.Here, f.Bar, verdict)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	for _, f := range figures {
		if f.Meets || len(f.Over) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(out, "\n%s:\n  %s\n", f.Point, strings.Join(f.Over, "\n  ")); err != nil {
			return fmt.Errorf("print what is over: %w", err)
		}
	}
	return nil
}

// quantile returns the length that p percent of all functions do not exceed.
func (r Report) quantile(p int) int {
	if len(r.FunctionLines) == 0 {
		return 0
	}
	return r.FunctionLines[(len(r.FunctionLines)*p+99)/100-1]
}

// share is how many percent part is of whole; all of nothing is 100.
func share(part, whole int) float64 {
	if whole == 0 {
		return 100
	}
	return 100 * float64(part) / float64(whole)
}
