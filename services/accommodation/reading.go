package accommodation

import (
	"context"

	facts "github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/history"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/territory"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/accommodation/internal/guest"
	"github.com/songan-vn/songan/services/accommodation/internal/notice"
	"github.com/songan-vn/songan/services/accommodation/internal/projections"
	"github.com/songan-vn/songan/services/accommodation/internal/scan"
)

// scope is what a caller sees in lists, of a unit if one is asked for.
func scope(may policy.Pass, unit string) projections.Scope {
	reach := may.In(unit)
	codes, validFrom := reach.Units.Columns()
	return projections.Scope{Facility: reach.Facility, Codes: codes, ValidFrom: validFrom}
}

// thing is what policies are asked about: something of a facility, in its commune.
func thing(facility string, unit facts.Unit) policy.Thing {
	return policy.Thing{Facility: facility, Unit: territory.Key(unit.Code, unit.ValidFrom)}
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
	n, err := a.visible(ctx, c.Path("id"), c.Pass)
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
func (a *app) visible(ctx context.Context, id string, may policy.Pass) (notice.Notice, error) {
	n, err := a.notice(ctx, id)
	if err != nil {
		return notice.Notice{}, err
	}
	if !may.May(thing(n.Facility, n.Unit)) {
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
	if _, err := a.visible(ctx, c.Path("id"), c.Pass); err != nil {
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
