package lab_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
)

func TestTheTableSaysWhatIsBelowItsBarAndSoDoesTheError(t *testing.T) {
	t.Parallel()
	good := lab.Rate("notices", 150, 100, "notices", 1.5)
	bad := lab.Rate("commands", 149, 100, "commands", 1.5)
	free := lab.Cost("CPU time", 30*time.Millisecond, 100)
	for _, c := range []struct {
		figures []lab.Figure
		want    []string
		below   bool
	}{
		{[]lab.Figure{good, free}, []string{
			"measure   ours           baseline  ratio  bar      ",
			"notices   150 notices/s  100/s     1.50   >= 1.50  ok",
			"CPU time  300 µs                                   ",
		}, false},
		{[]lab.Figure{bad, good}, []string{
			"measure   ours            baseline  ratio  bar      ",
			"commands  149 commands/s  100/s     1.49   >= 1.50  BELOW",
			"notices   150 notices/s   100/s     1.50   >= 1.50  ok",
		}, true},
	} {
		var out bytes.Buffer
		err := lab.Print(&out, c.figures)
		if errors.Is(err, lab.ErrBar) != c.below || !c.below && err != nil {
			t.Errorf("returned %v, below its bar: %t", err, c.below)
		}
		_, table, _ := strings.Cut(strings.TrimLeft(out.String(), "\n"), "\n\n") // the first line is about the machine
		if diff := cmp.Diff(c.want, strings.Split(strings.TrimSuffix(table, "\n"), "\n")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestACostOfNothingIsNoDivisionByZero(t *testing.T) {
	t.Parallel()
	if got := lab.Cost("CPU time", time.Second, 0).Value; got != "1000000 µs" {
		t.Errorf("nothing costs %s", got)
	}
}

func TestMemoryIsFlatUpToAQuarterMore(t *testing.T) {
	t.Parallel()
	if f := lab.Flat("memory", 4<<10, 5<<10); !f.OK || f.Value != "5 MiB" || f.Baseline != "4 MiB" || f.Ratio != 1.25 {
		t.Errorf("a quarter more is %+v", f)
	}
	if f := lab.Flat("memory", 4<<10, 5<<10+1); f.OK {
		t.Errorf("more than a quarter is %+v", f)
	}
}
