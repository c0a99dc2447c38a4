package accommodation

import (
	"context"
	"fmt"

	facts "github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/history"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/libs/territory"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/witness"
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
func (a *app) one(ctx context.Context, c httpapi.Call[Stated]) (Notice, error) {
	why := c.In.orSupervision(c.Path("id"))
	n, err := a.visible(ctx, c.Path("id"), c.Pass, why)
	if err != nil {
		return Notice{}, err
	}
	answer, reader := view(n), readerOf(c.Who, n.StayNotified, c.In.given())
	a.mask(&answer, reader)
	reading := vault.Reading{Actor: c.Who.Actor(), Purpose: why.Purpose, Case: why.Case}
	if err := a.addGuests(ctx, reading, []guestOf{{&answer, n.Guest, reader}}); err != nil {
		return Notice{}, err
	}
	return answer, nil
}

// purposeSupervision is what guests are read for where nothing else is said: the supervision of stays by law.
const purposeSupervision = "stay_supervision"

// guestOf is an answer that a guest belongs into, with how its caller stands to the guest.
type guestOf struct {
	answer *Notice
	ref    string
	reader privacy.Reader
}

// visible loads a stay that the caller may know of, for what it is read for. To everybody else it does not exist.
func (a *app) visible(ctx context.Context, id string, may policy.Pass, why Stated) (notice.Notice, error) {
	n, err := a.notice(ctx, id)
	if err != nil {
		return notice.Notice{}, err
	}
	what := thing(n.Facility, n.Unit)
	what.Purpose, what.Case = why.Purpose, why.Case
	if !may.May(what) {
		return notice.Notice{}, notice.ErrUnknown()
	}
	return n, nil
}

// addGuests reads people from the vault, which records who read them and why.
func (a *app) addGuests(ctx context.Context, why vault.Reading, people []guestOf) error {
	refs := make([]vault.Ref, 0, len(people))
	for _, p := range people {
		refs = append(refs, vault.Ref(p.ref))
	}
	found, damaged, err := a.vault.ReadIntact(ctx, why, refs...)
	if err != nil {
		return fmt.Errorf("read the guests of a page: %w", err)
	}
	for _, p := range people {
		plain, there := found[vault.Ref(p.ref)]
		if !there {
			p.answer.Unreadable = damaged[vault.Ref(p.ref)]
			p.answer.Erased = !p.answer.Unreadable
			continue
		}
		var g guest.Guest
		if err := plain.Decode(&g); err != nil {
			return fmt.Errorf("read the guests of a page: %w", err)
		}
		shown, masked := privacy.Show(a.disclosure, "guest", p.reader, g)
		p.answer.Masked = p.answer.Masked || masked
		if shown != (guest.Guest{}) {
			p.answer.Guest = &shown
		}
	}
	return nil
}

func (a *app) history(ctx context.Context, c httpapi.Call[Stated]) (history.History, error) {
	n, err := a.visible(ctx, c.Path("id"), c.Pass, c.In)
	if err != nil {
		return history.History{}, err
	}
	recorded, err := a.log.Load(ctx, noticeStream(c.Path("id")))
	if err != nil {
		return history.History{}, err
	}
	if err := a.recordStated(ctx, c.Who, n, c.In); err != nil {
		return history.History{}, err
	}
	reader := readerOf(c.Who, n.StayNotified, c.In.given())
	for i := range recorded {
		recorded[i].Event = a.maskFact(recorded[i].Event, reader)
	}
	return history.Of(recorded), nil
}

// recordStated records the purpose and the case for which a sensitive stay is looked at, as a reading of its guest: the
// stay tells of their health without their name, too. Nothing is answered before that is recorded.
func (a *app) recordStated(ctx context.Context, who access.Principal, n notice.Notice, s Stated) error {
	if !s.given() || !sensitive(n.StayNotified) {
		return nil
	}
	_, _, err := a.vault.ReadIntact(ctx, vault.Reading{Actor: who.Actor(), Purpose: s.Purpose, Case: s.Case}, vault.Ref(n.Guest))
	return err
}

// AskProof says which fact is to be proven, and why it is asked for where the stay is sensitive.
type AskProof struct {
	foundation.AskProof
	Stated
}

// prove answers with a receipt of the notice, or of what happened to it later. A receipt shows the whole fact or proves
// nothing, so whoever does not see all of a stay gets none.
func (a *app) prove(ctx context.Context, c httpapi.Call[AskProof]) (witness.Receipt, error) {
	n, err := a.visible(ctx, c.Path("id"), c.Pass, c.In.Stated)
	if err != nil {
		return witness.Receipt{}, err
	}
	if !a.disclosure.Sees("stay.facts", readerOf(c.Who, n.StayNotified, c.In.given())) {
		return witness.Receipt{}, errSensitive()
	}
	if err := a.recordStated(ctx, c.Who, n, c.In.Stated); err != nil {
		return witness.Receipt{}, err
	}
	return a.proof(ctx, noticeStream(n.Notice), max(1, c.In.Version))
}

// ScanBody is what a scanner typed.
type ScanBody struct {
	Text string `json:"text" maxLength:"2000" doc:"the QR code of a citizen card, a machine-readable zone, or a number"`
}

// scan reads a document for the front desk. Nobody is looked up and nothing is stored.
func (a *app) scan(_ context.Context, c httpapi.Call[ScanBody]) (scan.Reading, error) {
	return scan.Read(c.In.Text, vn.DateOf(c.Meta.At)), nil
}
