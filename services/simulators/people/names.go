package people

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/simulators/internal/dice"
)

// namebook knows how people are called, by region, sex and generation.
type namebook struct {
	surnames map[byte]*weighted[string]   // by region
	middle   map[string]*weighted[string] // by sex and generation
	given    map[string]*weighted[string]
	peoples  []nation
}

// nation is a people with names of its own.
type nation struct {
	prefixes []int
	perMille uint64
	pattern  string
	surnames []string
	links    map[vn.Sex][]string
	given    map[vn.Sex][]string
}

func newNamebook() (*namebook, error) {
	b := &namebook{
		surnames: map[byte]*weighted[string]{'n': {}, 'c': {}, 's': {}},
		middle:   map[string]*weighted[string]{}, given: map[string]*weighted[string]{},
	}
	rows, err := lines("surnames.tsv", 4)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		for i, region := range []byte("ncs") {
			if err := b.surnames[region].add(row[0], row[i+1]); err != nil {
				return nil, fmt.Errorf("surnames.tsv: %w", err)
			}
		}
	}
	if err := readGenerations("middle.tsv", b.middle); err != nil {
		return nil, err
	}
	if err := readGenerations("given.tsv", b.given); err != nil {
		return nil, err
	}
	b.peoples, err = readPeoples()
	return b, err
}

// generation returns under which key the names of somebody born in that year stand.
func generation(sex vn.Sex, birthYear int) string {
	switch {
	case birthYear < 1975:
		return string(sex) + " until 1974"
	case birthYear < 2000:
		return string(sex) + " until 1999"
	default:
		return string(sex) + " since 2000"
	}
}

func readGenerations(name string, into map[string]*weighted[string]) error {
	rows, err := lines(name, 5)
	if err != nil {
		return err
	}
	for _, row := range rows {
		sex := map[string]vn.Sex{"m": vn.Male, "f": vn.Female}[row[0]]
		for i, year := range []int{1974, 1999, 2000} {
			key := generation(sex, year)
			if into[key] == nil {
				into[key] = &weighted[string]{}
			}
			if err := into[key].add(row[1], row[i+2]); err != nil {
				return fmt.Errorf("in %s: %w", name, err)
			}
		}
	}
	return nil
}

func readPeoples() ([]nation, error) {
	rows, err := lines("minorities.tsv", 7)
	if err != nil {
		return nil, err
	}
	var peoples []nation
	for _, row := range rows {
		n := nation{pattern: row[3], surnames: strings.Fields(row[4]), links: bySex(row[5]), given: bySex(row[6])}
		for prefix := range strings.FieldsSeq(row[1]) {
			number, err := strconv.Atoi(prefix)
			if err != nil {
				return nil, fmt.Errorf("read prefixes of the %s: %w", row[0], err)
			}
			n.prefixes = append(n.prefixes, number)
		}
		if n.perMille, err = strconv.ParseUint(row[2], 10, 16); err != nil {
			return nil, fmt.Errorf("read share of the %s: %w", row[0], err)
		}
		peoples = append(peoples, n)
	}
	return peoples, nil
}

// bySex splits "male names/female names"; without a slash they are for both.
func bySex(text string) map[vn.Sex][]string {
	male, female, differ := strings.Cut(text, "/")
	if !differ {
		female = male
	}
	return map[vn.Sex][]string{vn.Male: strings.Fields(male), vn.Female: strings.Fields(female)}
}

// citizen draws a name for somebody born in that place and year.
func (b *namebook) citizen(d *dice.Dice, w where) string {
	among := d.Below(1000)
	for _, n := range b.peoples {
		if !slices.Contains(n.prefixes, w.place.prefix) {
			continue
		}
		if among < n.perMille {
			return n.name(d, w.sex)
		}
		among -= n.perMille
	}
	return b.kinh(d, w)
}

func (b *namebook) kinh(d *dice.Dice, w where) string {
	key := generation(w.sex, w.birthYear)
	surname, middle, given := b.surnames[w.place.region].draw(d), b.middle[key].draw(d), b.given[key].draw(d)
	parts := []string{surname, middle}
	fourWordsOneIn := uint64(8) // they grow more common with the years
	if w.birthYear >= 1990 {
		fourWordsOneIn = 3
	}
	if second := b.middle[key].draw(d); d.OneIn(fourWordsOneIn) && second != "Thị" && second != "Văn" {
		parts = append(parts, second)
	}
	parts = append(parts, given)
	return strings.Join(slices.Compact(parts), " ") // Minh Minh is no name
}

func (n nation) name(d *dice.Dice, sex vn.Sex) string {
	parts := map[rune]string{'S': dice.Pick(d, n.surnames), 'L': dice.Pick(d, n.links[sex]), 'G': dice.Pick(d, n.given[sex])}
	var words []string
	for _, part := range n.pattern {
		if word := strings.ReplaceAll(parts[part], "-", " "); word != "_" {
			words = append(words, word)
		}
	}
	name := strings.Join(slices.Compact(words), " ")
	return strings.ReplaceAll(name, "H' ", "H'") // women of the Ê Đê and the Gia Rai: H'Hen
}
