package accommodation

import (
	"context"
	"fmt"
	"slices"
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

// notify begins a single notice and, called once per item, those of a batch. Companions, and a facility that is not in memory, are
// looked up aside.
func (a *app) notify(ctx context.Context, c httpapi.Call[NotifyBody]) (httpapi.Later[Notice], error) {
	if c.In.AccompaniedBy != "" || !a.places.in(c.Who.Facility) {
		return httpapi.Aside(httpapi.Now(a.begin))(ctx, c)
	}
	return a.begin(ctx, c)
}

func (a *app) begin(ctx context.Context, c httpapi.Call[NotifyBody]) (httpapi.Later[Notice], error) {
	cmd, err := a.notification(ctx, c)
	if err != nil {
		return nil, err
	}
	person, err := a.sealGuest(c.In.Guest)
	if err != nil {
		return nil, err
	}
	cmd.Stay.Guest = string(person.Ref)
	stay := eventstore.Begin(ctx, a.log, noticeStream(cmd.Stay.Notice), cmd, c.Meta, eventstore.Fresh(), eventstore.WithSecrets(person))
	return func() (httpapi.Done[Notice], error) { return answer(stay.Outcome()) }, nil
}

// checkNotify is what a stay would be refused for that nobody notified before.
func (a *app) checkNotify(ctx context.Context, c httpapi.Call[NotifyBody]) error {
	cmd, err := a.notification(ctx, c)
	if err != nil {
		return err
	}
	_, err = cmd.Decide(notice.Notice{}, c.Meta)
	return err
}

// notification is the command of a body, but for the guest, who is not sealed yet.
func (a *app) notification(ctx context.Context, c httpapi.Call[NotifyBody]) (notice.Notify, error) {
	place, err := a.places.of(ctx, c.Who.Facility)
	if err != nil {
		return notice.Notify{}, err
	}
	known := c.In.Guest.CheckOn(vn.DateOf(c.Meta.At), "/guest")
	if err := a.checkCompanion(ctx, &known, c, place.Facility); err != nil {
		return notice.Notify{}, err
	}
	id := c.Name("notice")
	return notice.Notify{
		Stay: facts.StayNotified{
			Notice: id, Receipt: a.receipt(id), Facility: place.Facility, FacilityKind: place.Kind, Unit: place.Unit,
			Nationality: c.In.Guest.Nationality, DocumentType: c.In.Guest.Document.Type,
			ArrivedAt: c.In.ArrivedAt, ExpectedDeparture: c.In.ExpectedDeparture, Room: c.In.Room,
			Reason: c.In.Reason, AccompaniedBy: c.In.AccompaniedBy, Group: c.In.Group,
		},
		Remote: place.Remote, Rules: a.rules, Known: known,
		Warnings: c.In.Guest.Warnings(vn.DateOf(c.In.ArrivedAt), c.In.AccompaniedBy),
	}, nil
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

// checkCompanion refuses a companion who was not at the same facility when the guest arrived, and to a child one who came as a child alone: that
// notice says so. A child who came with somebody and gives company to another is not found out, because ages stand in the vault
// alone. To a carer the companion is the patient, who may be a child.
func (a *app) checkCompanion(ctx context.Context, faults *problem.Faults, c httpapi.Call[NotifyBody], facility string) error {
	const pointer = "/accompanied_by"
	if c.In.AccompaniedBy == "" {
		return nil
	}
	companion, err := a.notice(ctx, c.In.AccompaniedBy)
	switch {
	case err != nil && problem.CodeOf(err) != problem.CodeOf(notice.ErrUnknown()):
		return err
	case err != nil, companion.Facility != facility:
		faults.At(pointer, problem.Fault{
			Code: "accompanied_by_unknown", Message: "no notice of this facility has this id", MessageVI: "cơ sở không có thông báo nào mang mã này",
			Hint: "post the accompanying person first and use the id of the answer",
		})
	case companion.Status == notice.Cancelled, companion.Status == notice.Gone && companion.DepartedAt.Before(c.In.ArrivedAt):
		faults.At(pointer, problem.Fault{
			Code: "accompanied_by_over", Message: "that stay was over when the guest arrived, or was cancelled",
			MessageVI: "lượt lưu trú này đã kết thúc trước khi khách đến hoặc đã bị hủy",
			Hint:      "name somebody who stayed here then, or leave it out",
		})
	case slices.Contains(companion.Warnings, guest.WarnChildAlone) && c.In.Guest.Minor(vn.DateOf(c.Meta.At)):
		faults.At(pointer, problem.Fault{
			Code: "accompanied_by_minor", Message: "that guest is under 18 and came alone", MessageVI: "khách này dưới 18 tuổi và đến một mình",
			Hint: "name the adult, or leave it out",
		})
	}
	return nil
}

// change runs a command on the caller's own notice. A notice of another facility answers as if it did not exist.
func change[I any](
	ctx context.Context, a *app, c httpapi.Call[I], cmd decider.Command[notice.Notice], secrets ...vault.Row,
) (httpapi.Done[Notice], error) {
	return answer(eventstore.Execute(ctx, a.log, noticeStream(c.Path("id")), owned(c, cmd), c.Meta,
		eventstore.OncePerKey(), eventstore.WithSecrets(secrets...)))
}

func owned[I any](c httpapi.Call[I], cmd decider.Command[notice.Notice]) notice.Owned {
	return notice.Owned{Sees: func(n notice.Notice) bool { return c.Pass.May(thing(n.Facility, n.Unit)) }, Command: cmd}
}

// refusal is what a change of the caller's own notice would be refused for.
func refusal[I any](ctx context.Context, a *app, c httpapi.Call[I], cmd decider.Command[notice.Notice]) error {
	return eventstore.Refusal(ctx, a.log, noticeStream(c.Path("id")), owned(c, cmd), c.Meta)
}

// DepartBody says when the guest left.
type DepartBody struct {
	DepartedAt time.Time `json:"departed_at"`
}

func (a *app) depart(ctx context.Context, c httpapi.Call[DepartBody]) (httpapi.Done[Notice], error) {
	return change(ctx, a, c, notice.Depart(c.In))
}

func (a *app) checkDepart(ctx context.Context, c httpapi.Call[DepartBody]) error {
	return refusal(ctx, a, c, notice.Depart(c.In))
}

// ExtendBody says until when the guest is expected to stay.
type ExtendBody struct {
	ExpectedDeparture string `json:"expected_departure" format:"date"`
}

func (a *app) extend(ctx context.Context, c httpapi.Call[ExtendBody]) (httpapi.Done[Notice], error) {
	return change(ctx, a, c, notice.Extend(c.In))
}

func (a *app) checkExtend(ctx context.Context, c httpapi.Call[ExtendBody]) error {
	return refusal(ctx, a, c, notice.Extend(c.In))
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
		Warnings: c.In.Guest.Warnings, Note: string(reason.Ref), Remote: place.Remote, Rules: a.rules,
		Known: c.In.Guest.CheckOn(vn.DateOf(c.Meta.At), "/guest"),
	}
	return change(ctx, a, c, cmd, person, reason)
}

func (a *app) checkCorrect(_ context.Context, c httpapi.Call[CorrectBody]) error {
	return c.In.Guest.CheckOn(vn.DateOf(c.Meta.At), "/guest").Err()
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
