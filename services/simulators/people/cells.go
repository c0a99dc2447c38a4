package people

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"

	"github.com/songan-vn/songan/libs/vn"
)

// serials is how many people one place, sex and birth year can hold: the six last digits of a citizen number.
const serials = 1_000_000

// oldest is the greatest age in the register.
const oldest = 99

// cells divides the ranks 0 to size-1 among places, sexes and ages as the people of Vietnam are divided. A cell
// holds the ranks from its start to the start of the next.
type cells struct {
	places []place
	asOf   vn.Date
	starts []uint64 // one more than there are cells
}

// place is a province of before 2025-07-01 that gives out citizen numbers.
type place struct {
	prefix int
	region byte // n, c or s
}

func newCells(size uint64, asOf vn.Date) (*cells, error) {
	rows, err := lines("provinces.tsv", 3)
	if err != nil {
		return nil, err
	}
	pyramid, err := readPyramid()
	if err != nil {
		return nil, err
	}
	c := &cells{asOf: asOf}
	var weights []uint64
	total := uint64(0)
	for _, row := range rows {
		prefix, err := strconv.Atoi(row[0])
		if err != nil {
			return nil, fmt.Errorf("read prefix: %w", err)
		}
		inhabitants, err := strconv.ParseUint(row[1], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("read inhabitants: %w", err)
		}
		c.places = append(c.places, place{prefix, row[2][0]})
		for _, share := range pyramid {
			total += inhabitants * share
			weights = append(weights, total)
		}
	}
	c.starts = make([]uint64, len(weights)+1)
	for i, weight := range weights {
		high, low := bits.Mul64(size, weight)
		c.starts[i+1], _ = bits.Div64(high, low, total)
		if c.starts[i+1]-c.starts[i] > serials {
			return nil, fmt.Errorf("a register of %d people does not fit into citizen numbers", size)
		}
	}
	return c, nil
}

// readPyramid returns the weight of every sex and age: men of 0 to 99, then women.
func readPyramid() ([]uint64, error) {
	rows, err := lines("ages.tsv", 4)
	if err != nil {
		return nil, err
	}
	pyramid := make([]uint64, 2*(oldest+1))
	for _, row := range rows {
		var n [4]int
		for i, field := range row {
			if n[i], err = strconv.Atoi(field); err != nil {
				return nil, fmt.Errorf("read age pyramid: %w", err)
			}
		}
		for age := n[0]; age <= n[1]; age++ {
			years := n[1] - n[0] + 1
			pyramid[age] = uint64(n[2] / years)
			pyramid[oldest+1+age] = uint64(n[3] / years)
		}
	}
	return pyramid, nil
}

// where is what a cell says about the people in it.
type where struct {
	cell      int
	place     place
	sex       vn.Sex
	birthYear int
}

// find returns the cell of a rank and the rank within the cell.
func (c *cells) find(rank uint64) (where, uint64) {
	cell, _ := slices.BinarySearch(c.starts, rank+1)
	cell--
	return c.at(cell), rank - c.starts[cell]
}

func (c *cells) at(cell int) where {
	w := where{cell: cell, place: c.places[cell/(2*(oldest+1))], sex: vn.Male}
	age := cell % (2 * (oldest + 1))
	if age > oldest {
		w.sex = vn.Female
		age -= oldest + 1
	}
	// Nobody of the register is born in the year of its day, so that every age is reached.
	w.birthYear = c.asOf.Year() - 1 - age
	return w
}

// of returns the cell that numbers with these parts belong to.
func (c *cells) of(parts vn.CitizenIDParts) (where, bool) {
	place := slices.IndexFunc(c.places, func(p place) bool { return p.prefix == parts.Prefix })
	age := c.asOf.Year() - 1 - parts.BirthYear
	if place < 0 || age < 0 || age > oldest {
		return where{}, false
	}
	cell := place*2*(oldest+1) + age
	if parts.Sex == vn.Female {
		cell += oldest + 1
	}
	return c.at(cell), true
}

// count returns how many people a cell holds.
func (c *cells) count(cell int) uint64 { return c.starts[cell+1] - c.starts[cell] }
