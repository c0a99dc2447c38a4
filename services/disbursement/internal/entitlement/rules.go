package entitlement

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

//go:embed rules.json
var national []byte

const (
	// engine counts the changes of what this package makes of the same data. It is part of [Rules.Version].
	engine = "1"

	monthsPerYear = 12
)

// Rules are all amounts and coefficients that ever held, ready to compute with. They never change once parsed, so one
// value serves any number of goroutines. The zero Rules know no category.
type Rules struct {
	data             Data
	version          string
	standards        map[string]series[Standard]
	levels           map[place]series[Level]
	categories       map[string]category
	ranks            map[string]int
	combinations     map[string]series[Combination]
	suspensions      series[Limit]
	unknownBirthdays series[Reading]
}

// A place is a series of standards in a province.
type place struct{ province, series string }

func (p place) String() string { return p.series + " of province " + p.province }

// A category is what a decision grants: its programme, and a series for every band of ages.
type category struct {
	programme Programme
	rules     []series[Rule]
	perChild  bool
}

// National returns the rules that come with the program.
func National() Rules {
	rules, err := Parse(national)
	if err != nil {
		panic(err) //nolint:forbidigo // the embedded file is part of the program, and a test reads it
	}
	return rules
}

// Parse reads a rules file and says everything that is wrong with its rows at once. It refuses unknown and repeated
// members, gaps and overlaps within a series, age bands that overlap or leave a hole, amounts that a tenth of
// isn't whole dong, and rows without a legal basis.
func Parse(file []byte) (Rules, error) {
	data, err := read(file)
	if err != nil {
		return Rules{}, fmt.Errorf("read rules: %w", err)
	}
	if err := data.check(); err != nil {
		return Rules{}, fmt.Errorf("check rules: %w", err)
	}
	rules, err := index(data)
	if err != nil {
		return Rules{}, fmt.Errorf("check rules: %w", err)
	}
	return rules, nil
}

// Version names the content of the rules, whatever its layout: two computations with one version, one person and one
// day have one result. It goes into facts.
func (r Rules) Version() string { return r.version }

// Data returns a copy of the rows, for people to look at.
func (r Rules) Data() Data {
	d := r.data
	d.Programmes, d.Standards, d.Levels = slices.Clone(d.Programmes), slices.Clone(d.Standards), slices.Clone(d.Levels)
	d.Rules, d.Combinations = slices.Clone(d.Rules), slices.Clone(d.Combinations)
	for i := range d.Rules {
		d.Rules[i].Ages = slices.Clone(d.Rules[i].Ages)
	}
	for i := range d.Combinations {
		d.Combinations[i].With = slices.Clone(d.Combinations[i].With)
	}
	d.Suspensions, d.UnknownBirthdays = slices.Clone(d.Suspensions), slices.Clone(d.UnknownBirthdays)
	d.OneOffs = slices.Clone(d.OneOffs)
	return d
}

// index builds what a computation looks things up in. The rows are checked one by one already.
func index(data Data) (Rules, error) {
	r := Rules{data: data, version: version(data), ranks: make(map[string]int)}
	var errs [7]error
	r.standards, errs[0] = group(data.Standards, func(s Standard) string { return s.Series })
	r.levels, errs[1] = group(data.Levels, func(l Level) place { return place{l.Province, l.Series} })
	r.combinations, errs[2] = group(data.Combinations, func(c Combination) string { return c.Category })
	suspensions, err := group(data.Suspensions, func(Limit) string { return "suspensions" })
	r.suspensions, errs[3] = suspensions["suspensions"], err
	birthdays, err := group(data.UnknownBirthdays, func(Reading) string { return "unknown_birthdays" })
	r.unknownBirthdays, errs[4] = birthdays["unknown_birthdays"], err
	_, errs[5] = group(data.OneOffs, func(o OneOff) string { return o.ID })
	r.categories, errs[6] = categories(data, r.ranks)
	return r, errors.Join(errs[:]...)
}

// categories groups the rules by category, and ranks them by their first row in the file.
func categories(data Data, ranks map[string]int) (map[string]category, error) {
	rules, err := group(data.Rules, func(r Rule) string { return r.ID })
	if err != nil {
		return nil, err
	}
	all := make(map[string]category)
	for _, row := range data.Rules {
		c := all[row.Category]
		c.programme = data.programme(row.Programme)
		c.perChild = c.perChild || row.PerChild
		if _, ranked := ranks[row.ID]; !ranked {
			ranks[row.ID] = len(ranks)
			c.rules = append(c.rules, rules[row.ID])
		}
		all[row.Category] = c
	}
	return all, checkCategories(all)
}

func (d *Data) programme(id string) Programme {
	i := slices.IndexFunc(d.Programmes, func(p Programme) bool { return p.ID == id })
	if i < 0 {
		return Programme{}
	}
	return d.Programmes[i]
}

// version hashes what the rows say. The order of rows counts: it decides among equal sums.
func version(data Data) string {
	content, err := json.Marshal(data)
	if err != nil {
		panic(err) //nolint:forbidigo // strings, numbers and dates always have a JSON form
	}
	sum := sha256.Sum256(content)
	return engine + "-" + hex.EncodeToString(sum[:16])
}
