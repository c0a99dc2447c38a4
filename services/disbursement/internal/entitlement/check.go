package entitlement

import (
	"errors"
	"fmt"
	"slices"

	"github.com/songan-vn/songan/libs/money"
)

// The limits of a file. They are far above any law and keep every amount, standard x coefficient x children, below
// 3 * 10^12 dong, so that sums of a few lines need no check.
const (
	maxRows        = 2_000
	maxCategories  = 50
	maxTurns       = 100 // months, or days of becoming known, of one category
	maxStandard    = money.Amount(1_000_000_000)
	maxCoefficient = Tenths(1_000)
	maxAge         = 150
	maxSuspension  = 120 // months
	maxTimes       = 1_000
)

var errCoefficient = errors.New("a coefficient is written with one decimal, as 1.5")

// check looks at every row by itself, and at the names by which rows refer to each other.
func (d *Data) check() error {
	var errs []error
	report := func(table string, row int, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s[%d]: %w", table, row, err))
		}
	}
	if n := d.rows(); n > maxRows {
		return fmt.Errorf("%d rows are more than %d", n, maxRows)
	}
	for i, p := range d.Programmes {
		report("programmes", i, d.checkProgramme(p))
	}
	for i, s := range d.Standards {
		report("standards", i, errors.Join(s.check(), needs("series", s.Series), checkStandard(s.Amount)))
	}
	for i, l := range d.Levels {
		report("levels", i, errors.Join(l.check(), d.checkSeries(l.Series), checkProvince(l.Province), checkStandard(l.Amount)))
	}
	for i, r := range d.Rules {
		report("rules", i, errors.Join(r.check(), d.checkRule(r)))
	}
	for i, c := range d.Combinations {
		report("combinations", i, errors.Join(c.check(), d.checkCombination(c)))
	}
	for i, l := range d.Suspensions {
		report("suspensions", i, errors.Join(l.check(), within("months", l.Months, 1, maxSuspension)))
	}
	for i, r := range d.UnknownBirthdays {
		report("unknown_birthdays", i, errors.Join(r.check(), r.checkReading()))
	}
	for i, o := range d.OneOffs {
		report("one_offs", i, errors.Join(o.check(), needs("id", o.ID), d.checkSeries(o.Standard), within("times", o.Times, 1, maxTimes)))
	}
	if len(d.Suspensions) == 0 || len(d.UnknownBirthdays) == 0 {
		errs = append(errs, errors.New("suspensions and unknown_birthdays need a row"))
	}
	return errors.Join(errs...)
}

func (d *Data) rows() int {
	return len(d.Programmes) + len(d.Standards) + len(d.Levels) + len(d.Rules) + len(d.Combinations) +
		len(d.Suspensions) + len(d.UnknownBirthdays) + len(d.OneOffs)
}

func (v Validity) check() error {
	switch {
	case v.From.IsZero() || v.KnownFrom.IsZero():
		return errors.New("from and known_from are needed")
	case !v.To.IsZero() && v.To.Before(v.From):
		return errors.New("the row ends before it begins")
	}
	return needs("legal_basis", v.LegalBasis)
}

func (d *Data) checkProgramme(p Programme) error {
	twice := 0
	for _, other := range d.Programmes {
		if other.ID == p.ID {
			twice++
		}
	}
	if twice > 1 {
		return errors.New("the id stands twice")
	}
	return errors.Join(needs("id", p.ID), needs("title", p.Title), needs("title_vi", p.TitleVI), d.checkSeries(p.Standard))
}

func (d *Data) checkSeries(id string) error {
	if !slices.ContainsFunc(d.Standards, func(s Standard) bool { return s.Series == id }) {
		return errors.New("there is no standard of this series")
	}
	return nil
}

// checkStandard refuses amounts of which a coefficient with one decimal would not be whole dong.
func checkStandard(a money.Amount) error {
	if a <= 0 || a > maxStandard || a%10 != 0 {
		return fmt.Errorf("the amount is not a positive multiple of 10 dong up to %d", int64(maxStandard))
	}
	return nil
}

func checkProvince(code string) error {
	if len(code) != 2 || !isDigit(code[0]) || !isDigit(code[1]) {
		return errors.New("a province has a code of two digits")
	}
	return nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (d *Data) checkRule(r Rule) error {
	errs := []error{needs("id", r.ID), needs("category", r.Category), needs("title", r.Title), needs("title_vi", r.TitleVI)}
	if d.programme(r.Programme).ID == "" {
		errs = append(errs, errors.New("there is no such programme"))
	}
	if r.Coefficient < 1 || r.Coefficient > maxCoefficient {
		errs = append(errs, fmt.Errorf("the coefficient is not between 0.1 and %v", maxCoefficient))
	}
	for _, other := range d.Rules {
		if other.ID == r.ID && other.Category != r.Category || other.Category == r.Category && other.Programme != r.Programme {
			errs = append(errs, errors.New("an id belongs to one category, a category to one programme"))
			break
		}
	}
	for _, band := range r.Ages {
		errs = append(errs, within("ages", band.From, 0, maxAge), within("ages", band.Under, 0, maxAge))
		if band.Under != 0 && band.Under <= band.From {
			errs = append(errs, errors.New("a band of ages ends before it begins"))
		}
	}
	return errors.Join(errs...)
}

func (d *Data) checkCombination(c Combination) error {
	for _, id := range append([]string{c.Category}, c.With...) {
		if !slices.ContainsFunc(d.Rules, func(r Rule) bool { return r.Category == id }) {
			return errors.New("there is no such category")
		}
	}
	if len(c.With) == 0 || slices.Contains(c.With, c.Category) {
		return errors.New("a category is combined with others")
	}
	return nil
}

func (r Reading) checkReading() error {
	if r.CountsAs != countsAsEarliest && r.CountsAs != countsAsLatest {
		return errors.New("counts_as is neither earliest nor latest")
	}
	return nil
}

func needs(field, value string) error {
	if value == "" {
		return fmt.Errorf("%s is needed", field)
	}
	return nil
}

func within(field string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("%s is not between %d and %d", field, least, most)
	}
	return nil
}
