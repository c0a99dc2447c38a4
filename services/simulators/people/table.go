package people

import (
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/songan-vn/songan/services/simulators/internal/dice"
)

//go:embed data
var data embed.FS

// lines reads a list of data: fields separated by tabs, comments left out.
func lines(name string, fields int) ([][]string, error) {
	text, err := data.ReadFile("data/" + name)
	if err != nil {
		return nil, fmt.Errorf("read list of names: %w", err)
	}
	var rows [][]string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		row := strings.Split(line, "\t")
		if len(row) != fields {
			return nil, fmt.Errorf("read %s: %q has %d fields of %d", name, line, len(row), fields)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// weighted is a list from which heavier entries are drawn more often.
type weighted[T any] struct {
	items []T
	ends  []uint64 // the sum of the weights up to and including this item
}

func (w *weighted[T]) add(item T, weight string) error {
	n, err := strconv.ParseUint(weight, 10, 32)
	if err != nil {
		return fmt.Errorf("read weight of %v: %w", item, err)
	}
	w.items, w.ends = append(w.items, item), append(w.ends, w.total()+n)
	return nil
}

func (w *weighted[T]) total() uint64 {
	if len(w.ends) == 0 {
		return 0
	}
	return w.ends[len(w.ends)-1]
}

func (w *weighted[T]) draw(d *dice.Dice) T {
	at := d.Below(w.total())
	i, _ := slices.BinarySearch(w.ends, at+1)
	return w.items[i]
}
