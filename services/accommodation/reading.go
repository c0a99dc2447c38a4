package accommodation

import (
	"context"

	facts "github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/history"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/accommodation/internal/guest"
	"github.com/songan-vn/songan/services/accommodation/internal/notice"
	"github.com/songan-vn/songan/services/accommodation/internal/projections"
	"github.com/songan-vn/songan/services/accommodation/internal/scan"
)

// scope is what a caller sees in lists. Whoever has no place of their own sees everything that their role may ask for.
func (a *app) scope(who access.Principal) projections.Scope {
	switch who.Role {
	case access.Facility:
		return projections.Scope{Facility: who.Facility}
	case access.CommunePolice:
		unit := a.unitOf(who)
		return projections.Scope{UnitCode: unit.Code, UnitValidFrom: unit.ValidFrom}
	default:
		return projections.Scope{}
	}
}

// unitOf is the commune that an officer's code means today. An officer of a unit that no longer exists sees nothing.
func (a *app) unitOf(who access.Principal) facts.Unit {
	unit, found := a.units.Find(who.Unit, vn.DateOf(a.now()))
	if !found {
		return facts.Unit{Code: who.Unit, ValidFrom: "none"}
	}
	return facts.Unit{Code: unit.Code, ValidFrom: unit.ValidFrom.String()}
}

// sees tells whether a caller may know of something in a facility.
func (a *app) sees(who access.Principal, facility string, unit facts.Unit) bool {
	switch who.Role {
	case access.Facility:
		return who.Facility == facility
	case access.CommunePolice:
		return a.unitOf(who) == unit
	default:
		return true
	}
}

// notice folds a stay from the log.
func (a *app) notice(ctx context.Context, id string) (notice.Notice, error) {
	n, err := eventstore.State[notice.Notice](ctx, a.log, noticeStream(id))
	if err != nil {
		return notice.Notice{}, err
	}
	if !n.Exists() {
		return notice.Notice{}, notice.ErrUnknown()
	}
	return n, nil
}

// one answers with a stay and its guest.
func (a *app) one(ctx context.Context, c httpapi.Call[struct{}]) (Notice, error) {
	n, err := a.visible(ctx, c.Path("id"), c.Who)
	if err != nil {
		return Notice{}, err
	}
	answer := view(n)
	if err := a.addGuests(ctx, c.Who, n.Notice, map[*Notice]string{&answer: n.Guest}); err != nil {
		return Notice{}, err
	}
	return answer, nil
}

// visible loads a stay that the caller may know of. To everybody else it does not exist.
func (a *app) visible(ctx context.Context, id string, who access.Principal) (notice.Notice, error) {
	n, err := a.notice(ctx, id)
	if err != nil {
		return notice.Notice{}, err
	}
	if !a.sees(who, n.Facility, n.Unit) {
		return notice.Notice{}, notice.ErrUnknown()
	}
	return n, nil
}

// addGuests reads people from the vault, which records who read them and why.
func (a *app) addGuests(ctx context.Context, who access.Principal, about string, people map[*Notice]string) error {
	refs := make([]vault.Ref, 0, len(people))
	for _, ref := range people {
		refs = append(refs, vault.Ref(ref))
	}
	found, damaged, err := a.vault.ReadIntact(ctx, vault.Reading{Actor: who.Actor(), Purpose: "stay_supervision", Case: about}, refs...)
	if err != nil {
		return err
	}
	for answer, ref := range people {
		plain, there := found[vault.Ref(ref)]
		if !there {
			answer.Unreadable = damaged[vault.Ref(ref)]
			answer.Erased = !answer.Unreadable
			continue
		}
		var g guest.Guest
		if err := plain.Decode(&g); err != nil {
			return err
		}
		answer.Guest = &g
	}
	return nil
}

func (a *app) history(ctx context.Context, c httpapi.Call[struct{}]) (history.History, error) {
	if _, err := a.visible(ctx, c.Path("id"), c.Who); err != nil {
		return history.History{}, err
	}
	recorded, err := a.log.Load(ctx, noticeStream(c.Path("id")))
	if err != nil {
		return history.History{}, err
	}
	return history.Of(recorded), nil
}

// ScanBody is what a scanner typed.
type ScanBody struct {
	Text string `json:"text" maxLength:"2000" doc:"the QR code of a citizen card, a machine-readable zone, or a number"`
}

// scan reads a document for the front desk. Nobody is looked up and nothing is stored.
func (a *app) scan(_ context.Context, c httpapi.Call[ScanBody]) (scan.Reading, error) {
	return scan.Read(c.In.Text, vn.DateOf(c.Meta.At)), nil
}
