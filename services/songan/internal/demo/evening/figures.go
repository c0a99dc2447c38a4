package evening

import "strings"

// Figures are counts by name.
type Figures map[string]int

// The names of figures, besides those of [Outcome] and [Foreigners]. All but Accepted leave out cancelled stays, as the
// statistics do.
const (
	CheckIns    = "check-ins"
	Accepted    = "accepted"
	Late        = "late"
	Repeated    = "repeated, same answer"
	Extended    = "extended"
	Moved       = "moved"
	Corrected   = "corrected"
	refused     = "refused: "
	changeAgain = "change refused: "
)

// Refused names the figure of check-ins that are refused with a code.
func Refused(code string) string { return refused + code }

// ChangeRefused names the figure of changes that are refused with a code.
func ChangeRefused(code string) string { return changeAgain + code }

// IsRefusal tells whether a figure counts refusals.
func IsRefusal(name string) bool {
	return strings.HasPrefix(name, refused) || strings.HasPrefix(name, changeAgain)
}

// Changed names the figure of a verb.
func Changed(v Verb) string {
	switch v {
	case Repeat:
		return Repeated
	case Depart:
		return Departed
	case Extend:
		return Extended
	case Move:
		return Moved
	case Correct:
		return Corrected
	case Cancel:
		return Cancelled
	case Notify, NotifyMany:
	}
	return Accepted
}

// Expected counts what must come of the evening.
func (e Evening) Expected() Figures {
	f := Figures{CheckIns: len(e.Guests)}
	for _, g := range e.Guests {
		f.addGuest(g.Want)
	}
	for _, act := range e.Acts {
		switch {
		case act.Verb == Notify || act.Verb == NotifyMany:
		case act.Code != "":
			f[ChangeRefused(act.Code)]++
		default:
			f[Changed(act.Verb)]++
		}
	}
	return f
}

// Size counts the guests who come in a kind of party.
func (e Evening) Size(p Party) int {
	n := 0
	for _, g := range e.Guests {
		if g.Party == p {
			n++
		}
	}
	return n
}

func (f Figures) addGuest(want Outcome) {
	if want.Code != "" {
		f[Refused(want.Code)]++
		return
	}
	f[Accepted]++
	if want.State == Cancelled {
		return
	}
	f[want.Identity]++
	if want.Late {
		f[Late]++
	}
	if want.Foreigner {
		f[string(Foreigners)]++
	}
}
