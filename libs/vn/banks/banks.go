// Package banks is the directory of Vietnam's banks: which BIN and BIC meant which bank, under which name, on which day.
// It is pure and reads nothing but its own embedded list.
//
//  1. A BIN (970415) is what cards, QR codes and account lists name a bank by; a BIC (ICBVVNVX) is what payment
//     messages and our Kafka topics name it by. Both lead to the same [Bank].
//  2. A bank that is renamed keeps its BIN, and mostly its BIC. The key of a version is its BIN together with the day
//     from which it holds, so that an account opened at LienVietPostBank is found under LPBank.
//  3. A bank that is taken over ends, and names the BIN that its accounts went to.
//  4. A change is a line in data/banks.tsv with its source, not a change of the code. A line that nobody has compared
//     with a published source says so; [Bank.Verified] passes that on.
package banks

import (
	"embed"
	"iter"
	"sync"

	"github.com/songan-vn/songan/libs/vn"
)

// Bank is one version of a bank.
type Bank struct {
	// BIN has six digits: "970415".
	BIN string
	// BIC has eight characters, without a branch: "ICBVVNVX".
	BIC string
	// ValidFrom is the day from which this version holds; no date where the list does not go further back.
	ValidFrom vn.Date
	// ValidUntil is the first day on which it no longer held; no date while it holds.
	ValidUntil vn.Date
	// ShortName is what people call it: "VietinBank".
	ShortName string
	// Name is complete: "Ngân hàng TMCP Công thương Việt Nam".
	Name string
	// Verified tells whether this version was compared with a published source.
	Verified bool
	// Source says where the line comes from, or what about it is to be confirmed.
	Source string

	successor string // the BIN that took over when this version ended; empty: the same BIN, or nobody
}

// Holds tells whether this version was in force on that day.
func (b Bank) Holds(on vn.Date) bool {
	return !on.Before(b.ValidFrom) && (b.ValidUntil.IsZero() || on.Before(b.ValidUntil))
}

// Directory holds all versions of all banks. It never changes and may be used from everywhere at once.
type Directory struct {
	banks []Bank // by BIN, then by day
}

//go:embed data/*.tsv
var embedded embed.FS

var load = sync.OnceValues(func() (*Directory, error) { return Read(embedded) }) //nolint:gochecknoglobals // read once, never written

// Load returns the embedded directory; it is read on the first call.
func Load() (*Directory, error) { return load() }

// bicLength is the length of a BIC without a branch; branchLength that of one with its branch.
const (
	bicLength    = 8
	branchLength = 11
)

// Find returns the bank that had this BIC on that day. A BIC with a branch (ICBVVNVX100) leads to its bank.
func (d *Directory) Find(bic string, on vn.Date) (Bank, bool) {
	if len(bic) == branchLength {
		bic = bic[:bicLength]
	}
	return d.first(func(b Bank) bool { return b.BIC == bic && b.Holds(on) })
}

// FindBIN returns the bank that had this BIN on that day.
func (d *Directory) FindBIN(bin string, on vn.Date) (Bank, bool) {
	return d.first(func(b Bank) bool { return b.BIN == bin && b.Holds(on) })
}

func (d *Directory) first(wanted func(Bank) bool) (Bank, bool) {
	for _, b := range d.banks {
		if wanted(b) {
			return b, true
		}
	}
	return Bank{}, false
}

// All runs through the banks that held on that day, by BIN.
func (d *Directory) All(on vn.Date) iter.Seq[Bank] {
	return func(yield func(Bank) bool) {
		for _, b := range d.banks {
			if b.Holds(on) && !yield(b) {
				return
			}
		}
	}
}

// On returns what became of b by that day: itself under its name of then, or the bank that took its accounts over. It
// returns false for a day before b, and for a bank that ended without a successor.
func (d *Directory) On(b Bank, on vn.Date) (Bank, bool) {
	for range d.banks { // as many steps as there are versions, at most
		if b.Holds(on) {
			return b, true
		}
		if on.Before(b.ValidFrom) {
			return Bank{}, false
		}
		bin := b.BIN
		if b.successor != "" {
			bin = b.successor
		}
		next, found := d.FindBIN(bin, b.ValidUntil)
		if !found {
			return Bank{}, false
		}
		b = next
	}
	return Bank{}, false
}
