package accommodation

import (
	"context"
	"fmt"
	"strings"
	"time"

	facts "github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/person"
	"github.com/songan-vn/songan/services/accommodation/internal/guest"
	"github.com/songan-vn/songan/services/accommodation/internal/notice"
	"github.com/songan-vn/songan/services/accommodation/trail"
)

// NotifyBody is a stay as a facility posts it.
type NotifyBody struct {
	Guest             guest.Guest `json:"guest"`
	ArrivedAt         time.Time   `json:"arrived_at"`
	ExpectedDeparture string      `json:"expected_departure,omitzero" format:"date"`
	Room              string      `json:"room,omitzero" pattern:"^[0-9A-Za-z ./-]{1,16}$"`
	Reason            string      `json:"reason" enum:"tourism,business,medical_treatment,medical_carer,study,work,family_visit,other"`
	AccompaniedBy     string      `json:"accompanied_by,omitzero" maxLength:"40" doc:"notice of the adult a child came with, or of the patient a carer came for"`
	Group             string      `json:"group,omitzero" pattern:"^[0-9A-Za-z._-]{1,40}$" doc:"the facility's own mark for people who came together"`
}

// Validate keeps people out of what stands in facts, which cannot be erased.
func (b NotifyBody) Validate(f *problem.Faults) {
	person.CheckNobody(f, "/room", b.Room)
	person.CheckNobody(f, "/group", b.Group)
}

// notify serves a single notice and, called once per item, a batch.
func (a *app) notify(ctx context.Context, c httpapi.Call[NotifyBody]) (httpapi.Done[Notice], error) {
	place, err := a.places.of(ctx, c.Who.Facility)
	if err != nil {
		return httpapi.Done[Notice]{}, err
	}
	if err := a.checkCompanion(ctx, c.In.AccompaniedBy, place.Facility); err != nil {
		return httpapi.Done[Notice]{}, err
	}
	person, err := a.sealGuest(c.In.Guest)
	if err != nil {
		return httpapi.Done[Notice]{}, err
	}
	id := c.Name("notice")
	cmd := notice.Notify{
		Stay: facts.StayNotified{
			Notice: id, Receipt: a.receipt(id), Facility: place.Facility, FacilityKind: place.Kind, Unit: place.Unit,
			Guest: string(person.Ref), Nationality: c.In.Guest.Nationality, DocumentType: c.In.Guest.Document.Type,
			ArrivedAt: c.In.ArrivedAt, ExpectedDeparture: c.In.ExpectedDeparture, Room: c.In.Room,
			Reason: c.In.Reason, AccompaniedBy: c.In.AccompaniedBy, Group: c.In.Group,
		},
		Remote: place.Remote, Rules: a.rules, Warnings: c.In.warnings(c.Meta.At),
		Known: c.In.Guest.CheckOn(vn.DateOf(c.Meta.At), "/guest"),
	}
	out, err := eventstore.Execute(ctx, a.log, noticeStream(id), cmd, c.Meta,
		eventstore.Fresh(), eventstore.WithSecrets(person))
	if err != nil {
		return httpapi.Done[Notice]{}, err
	}
	return done(out), nil
}

// warnings are what is unusual about the body but accepted.
func (b NotifyBody) warnings(now time.Time) []string {
	warnings := b.Guest.Warnings(now)
	if b.AccompaniedBy == "" && b.Guest.Minor(now) {
		warnings = append(warnings, guest.WarnChildAlone)
	}
	return warnings
}

func noticeStream(id string) string { return trail.Stream(id) }

// receipt is the number a facility shows at an inspection: short enough to be read over a telephone.
func (a *app) receipt(id string) string {
	const groups, size = 4, 4
	name := strings.ToUpper(a.vault.Name("receipt", id))
	parts := make([]string, 0, groups+1)
	parts = append(parts, "SA")
	for i := range groups {
		parts = append(parts, name[i*size:(i+1)*size])
	}
	return strings.Join(parts, "-")
}

// sealGuest encrypts the person for the vault row that is stored together with the fact.
func (a *app) sealGuest(g guest.Guest) (vault.Row, error) {
	return a.vault.Seal(purposeGuest, g, vault.Index{
		Document: guest.DocumentIndex(g.Document.Number),
		Name:     guest.NameIndex(g.FullName, g.BirthDate),
	}, time.Time{}) // how long they are kept is a rule of retention
}

// checkCompanion refuses a companion who is not a guest of the same facility.
func (a *app) checkCompanion(ctx context.Context, id, facility string) error {
	if id == "" {
		return nil
	}
	companion, err := a.notice(ctx, id)
	if err == nil && companion.Facility == facility {
		return nil
	}
	if err != nil && problem.CodeOf(err) != "notice_unknown" {
		return err
	}
	var faults problem.Faults
	faults.At("/accompanied_by", problem.Fault{
		Code: "accompanied_by_unknown", Message: "no notice of this facility has this id", MessageVI: "cơ sở không có thông báo nào mang mã này",
		Hint: "post the accompanying person first and use the id of the answer",
	})
	return faults.Err()
}

// change runs a command on the caller's own notice. A notice of another facility answers as if it did not exist.
func change[I any](
	ctx context.Context, a *app, c httpapi.Call[I], cmd decider.Command[notice.Notice], secrets ...vault.Row,
) (httpapi.Done[Notice], error) {
	own := notice.Owned{Sees: func(n notice.Notice) bool { return c.Pass.May(thing(n.Facility, n.Unit)) }, Command: cmd}
	out, err := eventstore.Execute(ctx, a.log, noticeStream(c.Path("id")), own, c.Meta, eventstore.WithSecrets(secrets...))
	if err != nil {
		return httpapi.Done[Notice]{}, err
	}
	return done(out), nil
}

// DepartBody says when the guest left.
type DepartBody struct {
	DepartedAt time.Time `json:"departed_at"`
}

func (a *app) depart(ctx context.Context, c httpapi.Call[DepartBody]) (httpapi.Done[Notice], error) {
	return change(ctx, a, c, notice.Depart(c.In))
}

// ExtendBody says until when the guest is expected to stay.
type ExtendBody struct {
	ExpectedDeparture string `json:"expected_departure" format:"date"`
}

func (a *app) extend(ctx context.Context, c httpapi.Call[ExtendBody]) (httpapi.Done[Notice], error) {
	return change(ctx, a, c, notice.Extend(c.In))
}

// RoomBody says which room the guest has now.
type RoomBody struct {
	Room string `json:"room" pattern:"^[0-9A-Za-z ./-]{1,16}$"`
}

// Validate keeps people out of what stands in facts.
func (b RoomBody) Validate(f *problem.Faults) { person.CheckNobody(f, "/room", b.Room) }

func (a *app) changeRoom(ctx context.Context, c httpapi.Call[RoomBody]) (httpapi.Done[Notice], error) {
	return change(ctx, a, c, notice.ChangeRoom(c.In))
}

// CorrectBody is the person as they should have been entered.
type CorrectBody struct {
	Guest  guest.Guest `json:"guest"`
	Reason string      `json:"reason" maxLength:"500"`
}

func (a *app) correct(ctx context.Context, c httpapi.Call[CorrectBody]) (httpapi.Done[Notice], error) {
	place, err := a.places.of(ctx, c.Who.Facility)
	if err != nil {
		return httpapi.Done[Notice]{}, err
	}
	person, err := a.sealGuest(c.In.Guest)
	if err != nil {
		return httpapi.Done[Notice]{}, err
	}
	reason, err := a.vault.SealNote(c.In.Reason, time.Time{})
	if err != nil {
		return httpapi.Done[Notice]{}, fmt.Errorf("seal the reason of the correction: %w", err)
	}
	cmd := notice.Correct{
		Guest: string(person.Ref), Nationality: c.In.Guest.Nationality, DocumentType: c.In.Guest.Document.Type,
		Warnings: c.In.Guest.Warnings(c.Meta.At), Note: string(reason.Ref), Remote: place.Remote, Rules: a.rules,
		Known: c.In.Guest.CheckOn(vn.DateOf(c.Meta.At), "/guest"),
	}
	return change(ctx, a, c, cmd, person, reason)
}

// ReasonBody says why.
type ReasonBody struct {
	Reason string `json:"reason" maxLength:"500"`
}

func (a *app) cancel(ctx context.Context, c httpapi.Call[ReasonBody]) (httpapi.Done[Notice], error) {
	reason, err := a.vault.SealNote(c.In.Reason, time.Time{})
	if err != nil {
		return httpapi.Done[Notice]{}, fmt.Errorf("seal the reason of the cancellation: %w", err)
	}
	return change(ctx, a, c, notice.Cancel{Note: string(reason.Ref)}, reason)
}
