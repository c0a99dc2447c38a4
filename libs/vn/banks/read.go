package banks

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/songan-vn/songan/libs/vn"
)

// The columns of data/banks.tsv.
const (
	columnFrom = iota
	columnBIN
	columnBIC
	columnShortName
	columnName
	columnSuccessor
	columnMark
	columnSource
	columns
)

// binLength is how many digits a BIN has.
const binLength = 6

// Read builds a directory from data/banks.tsv. An operator who has to bring in a change before the next release adds a
// line to a copy of it.
func Read(files fs.FS) (*Directory, error) {
	const name = "data/banks.tsv"
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("read banks: %w", err)
	}
	var d Directory
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		if err := d.readLine(strings.Split(line, "\t")); err != nil {
			return nil, fmt.Errorf("read %s line %d: %w", name, number, err)
		}
	}
	slices.SortStableFunc(d.banks, func(a, b Bank) int {
		return cmp.Or(strings.Compare(a.BIN, b.BIN), a.ValidFrom.Compare(b.ValidFrom))
	})
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return &d, nil
}

func (d *Directory) readLine(fields []string) error {
	if len(fields) != columns {
		return fmt.Errorf("%d fields instead of %d", len(fields), columns)
	}
	b := Bank{
		BIN: fields[columnBIN], BIC: fields[columnBIC], ShortName: fields[columnShortName], Name: fields[columnName],
		Verified: fields[columnMark] == "S", Source: fields[columnSource],
	}
	if fields[columnFrom] != "" {
		from, err := vn.ParseDate(fields[columnFrom])
		if err != nil {
			return err
		}
		b.ValidFrom = from
	}
	before, known := d.current(b.BIN)
	if known && !before.ValidFrom.Before(b.ValidFrom) {
		return errors.New("the versions of a bank stand in order of date")
	}
	if known {
		before.ValidUntil = b.ValidFrom
	}
	if b.Name == "-" {
		if !known {
			return errors.New("a bank ends that did not exist")
		}
		before.successor = fields[columnSuccessor]
		return nil
	}
	if err := b.check(fields[columnMark]); err != nil {
		return err
	}
	d.banks = append(d.banks, b)
	return nil
}

// current returns the version of a BIN that was read last and has not ended.
func (d *Directory) current(bin string) (*Bank, bool) {
	for i := range d.banks {
		if b := &d.banks[i]; b.BIN == bin && b.ValidUntil.IsZero() {
			return b, true
		}
	}
	return nil, false
}

func (b Bank) check(mark string) error {
	switch {
	case len(b.BIN) != binLength || strings.Trim(b.BIN, "0123456789") != "":
		return errors.New("a BIN has six digits")
	case len(b.BIC) != bicLength || strings.ToUpper(b.BIC) != b.BIC:
		return errors.New("a BIC has eight capitals")
	case b.ShortName == "" || b.Name == "":
		return errors.New("a bank has two names")
	case mark != "S" && mark != "U" || b.Source == "":
		return errors.New("a line has the mark S or U, and its source")
	}
	return nil
}

// check refuses a list in which a BIC meant two banks on one day, or accounts went to a bank that did not exist.
func (d *Directory) check() error {
	for i, b := range d.banks {
		for _, other := range d.banks[:i] {
			if other.BIC == b.BIC && other.BIN != b.BIN && (other.Holds(b.ValidFrom) || b.Holds(other.ValidFrom)) {
				return fmt.Errorf("%s means two banks on one day", b.BIC)
			}
		}
		if b.successor == "" {
			continue
		}
		if _, found := d.FindBIN(b.successor, b.ValidUntil); !found {
			return fmt.Errorf("the accounts of %s went to %s, which did not exist on %s", b.BIN, b.successor, b.ValidUntil)
		}
	}
	return nil
}
