package accommodation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	facts "github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/accommodation/internal/facility"
)

// RegisterBody is a place that lodges people, as the police enter it.
type RegisterBody struct {
	Name         string `json:"name" maxLength:"200"`
	Kind         string `json:"kind" enum:"tourist,dormitory,medical,household,boarding_house,other" doc:"the state portal's six kinds"`
	Unit         string `json:"unit" pattern:"^[0-9]{5}$" doc:"code of the commune"`
	Address      string `json:"address" maxLength:"300"`
	Phone        string `json:"phone,omitzero" maxLength:"32"`
	Contact      string `json:"contact,omitzero" maxLength:"200" doc:"the person in charge"`
	Remote       bool   `json:"remote,omitzero" doc:"24 h instead of 12 h to declare a foreigner"`
	Organisation bool   `json:"organisation,omitzero" doc:"fined double"`
}

// profile is what the vault keeps of a facility. Names of guest houses are often names of people.
type profile struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Phone   string `json:"phone,omitempty"`
	Contact string `json:"contact,omitempty"`
}

// Facility is a facility as the service answers with it.
type Facility struct {
	ID           string `json:"id"`
	Kind         string `json:"kind"`
	Unit         string `json:"unit"`
	UnitName     string `json:"unit_name,omitzero"`
	Remote       bool   `json:"remote"`
	Organisation bool   `json:"organisation"`
	Suspended    bool   `json:"suspended"`
	Name         string `json:"name,omitzero"`
	Address      string `json:"address,omitzero"`
	Phone        string `json:"phone,omitzero"`
	Contact      string `json:"contact,omitzero"`
}

func (a *app) registerFacility(ctx context.Context, c httpapi.Call[RegisterBody]) (httpapi.Done[Facility], error) {
	unit, err := a.communeOf(c.In.Unit, c.Pass, c.Meta.At)
	if err != nil {
		return httpapi.Done[Facility]{}, err
	}
	kept := profile{Name: c.In.Name, Address: c.In.Address, Phone: c.In.Phone, Contact: c.In.Contact}
	row, err := a.vault.Seal(purposeProfile, kept, vault.Index{}, time.Time{})
	if err != nil {
		return httpapi.Done[Facility]{}, fmt.Errorf("seal who runs the place: %w", err)
	}
	id := c.Name("facility")
	cmd := facility.Register{
		Facility: id, Kind: c.In.Kind, Unit: unit, Remote: c.In.Remote, Organisation: c.In.Organisation, Profile: string(row.Ref),
	}
	out, err := eventstore.Execute(ctx, a.log, facility.Stream(id), cmd, c.Meta, eventstore.WithSecrets(row))
	if err != nil {
		return httpapi.Done[Facility]{}, err
	}
	answer := a.viewFacility(out.State)
	answer.Name, answer.Address, answer.Phone, answer.Contact = kept.Name, kept.Address, kept.Phone, kept.Contact
	return httpapi.Done[Facility]{Answer: answer, Position: out.Position, Replayed: out.Replayed}, nil
}

func (a *app) checkFacility(_ context.Context, c httpapi.Call[RegisterBody]) error {
	_, err := a.communeOf(c.In.Unit, c.Pass, c.Meta.At)
	return err
}

// communeOf finds the commune that the code means today, and refuses one that is not the officer's own.
func (a *app) communeOf(code string, may policy.Pass, now time.Time) (facts.Unit, error) {
	var faults problem.Faults
	unit, found := a.units.Find(code, vn.DateOf(now))
	switch {
	case !found || unit.Level != units.Commune:
		faults.At("/unit", problem.Fault{
			Code: "unit_unknown", Message: "no commune has this code today", MessageVI: "hiện không có xã, phường, đặc khu nào mang mã này",
		})
	case !may.May(policy.Thing{Unit: unit.Key}):
		faults.At("/unit", problem.Fault{
			Code: "unit_not_yours", Message: "this is not your commune", MessageVI: "đây không phải địa bàn của đơn vị",
		})
	}
	if err := faults.Err(); err != nil {
		return facts.Unit{}, err
	}
	return facts.Unit{Code: unit.Code, ValidFrom: unit.ValidFrom.String()}, nil
}

func (a *app) viewFacility(f facility.Facility) Facility {
	v := Facility{
		ID: f.Facility, Kind: f.Kind, Unit: f.Unit.Code, Remote: f.Remote, Organisation: f.Organisation, Suspended: f.Suspended,
	}
	if from, err := vn.ParseDate(f.Unit.ValidFrom); err == nil {
		if unit, found := a.units.Find(f.Unit.Code, from); found {
			v.UnitName = unit.Name
		}
	}
	return v
}

// facilityOf loads a facility that the caller may act on, be they an officer or its manager.
func (a *app) facilityOf(ctx context.Context, id string, may policy.Pass) (facility.Facility, error) {
	f, err := a.places.load(ctx, id)
	if err != nil {
		return facility.Facility{}, err
	}
	if !may.May(thing(f.Facility, f.Unit)) {
		return facility.Facility{}, facility.ErrUnknown()
	}
	return f, nil
}

func (a *app) suspend(ctx context.Context, c httpapi.Call[ReasonBody]) (httpapi.Done[Facility], error) {
	reason, err := a.vault.SealNote(c.In.Reason, time.Time{})
	if err != nil {
		return httpapi.Done[Facility]{}, fmt.Errorf("seal the reason of the suspension: %w", err)
	}
	return changeFacility(ctx, a, c, facility.Suspend{Note: string(reason.Ref)}, reason)
}

func (a *app) reinstate(ctx context.Context, c httpapi.Call[ReasonBody]) (httpapi.Done[Facility], error) {
	reason, err := a.vault.SealNote(c.In.Reason, time.Time{})
	if err != nil {
		return httpapi.Done[Facility]{}, fmt.Errorf("seal the reason of the reinstatement: %w", err)
	}
	return changeFacility(ctx, a, c, facility.Reinstate{Note: string(reason.Ref)}, reason)
}

// changeFacility runs a command on a facility and forgets what is cached of keys and of how the facility stands.
func changeFacility[I any](
	ctx context.Context, a *app, c httpapi.Call[I], cmd facility.Command, secrets ...vault.Row,
) (httpapi.Done[Facility], error) {
	f, err := a.facilityOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return httpapi.Done[Facility]{}, err
	}
	out, err := eventstore.Execute(ctx, a.log, facility.Stream(f.Facility), cmd, c.Meta, eventstore.OncePerKey(), eventstore.WithSecrets(secrets...))
	if err != nil {
		return httpapi.Done[Facility]{}, err
	}
	for _, key := range append(slices.Collect(maps.Keys(f.Keys)), slices.Collect(maps.Keys(out.State.Keys))...) {
		a.keys.Forget(key)
	}
	a.standing.Forget(f.Facility)
	return httpapi.Done[Facility]{Answer: a.viewFacility(out.State), Position: out.Position, Replayed: out.Replayed}, nil
}
