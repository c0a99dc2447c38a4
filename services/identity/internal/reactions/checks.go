// Package reactions turns facts about people who were met into checks against the population database.
package reactions

import (
	"context"
	"fmt"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/identity"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/identity/internal/check"
	"github.com/songan-vn/songan/services/identity/internal/clients"
)

// Actor is who asks the population database.
const Actor = "service:identity"

// The reasons for which a person cannot be checked.
const (
	notInRegister = "document_not_in_register"
	erased        = "person_erased"
)

// Checks asks about every guest and every beneficiary once. While a dependency is away the fact waits; see reaction.
type Checks struct {
	Log *eventstore.Store
	// People are the services that know the person behind a reference of theirs, by name: those whose facts are handled.
	People     map[string]*clients.People
	Population *clients.Population
	Now        func() time.Time
}

// Handlers lists the facts that are reacted to.
func (c Checks) Handlers() []reaction.Handler {
	handlers := []reaction.Handler{
		reaction.On(func(ctx context.Context, r events.Recorded, e accommodation.StayNotified) error {
			return c.check(ctx, r, e.Guest, e.DocumentType)
		}),
		reaction.On(func(ctx context.Context, r events.Recorded, e accommodation.GuestCorrected) error {
			return c.check(ctx, r, e.Guest, e.DocumentType)
		}),
	}
	if c.People["accounts"] != nil {
		handlers = append(handlers,
			reaction.On(func(ctx context.Context, r events.Recorded, e accounts.BeneficiaryRegistered) error {
				return c.check(ctx, r, e.Person, e.DocumentType)
			}),
			reaction.On(func(ctx context.Context, r events.Recorded, e accounts.BeneficiaryCorrected) error {
				return c.check(ctx, r, e.Person, e.DocumentType)
			}))
	}
	return handlers
}

func (c Checks) check(ctx context.Context, r events.Recorded, person, documentType string) error {
	stream := "check-" + person
	asked, err := c.Log.Load(ctx, stream)
	if err != nil {
		return fmt.Errorf("look whether it was checked before: %w", err)
	}
	if len(asked) > 0 {
		return nil // a second delivery: the register is not asked again
	}
	cmd := check.Record{Subject: identity.Subject{Person: person, Service: events.Service(r.Event.EventName()), Stream: r.Stream}}
	if err := c.ask(ctx, &cmd, documentType); err != nil {
		return err
	}
	_, err = eventstore.Execute(ctx, c.Log, stream, cmd, reaction.Meta(r, Actor, c.Now()))
	return err
}

// ask fills in what the register says. Only citizens stand in it, by their twelve-digit number, which children have
// on their birth certificate.
func (c Checks) ask(ctx context.Context, cmd *check.Record, documentType string) (err error) {
	if documentType != "citizen_id" && documentType != "birth_certificate" {
		cmd.Outcome, cmd.Reason = check.Unavailable, notInRegister
		return nil
	}
	who, found, err := c.People[cmd.Subject.Service].Person(ctx, cmd.Subject.Person)
	if err != nil {
		return fmt.Errorf("read who is to be checked: %w", err)
	}
	if !found {
		cmd.Outcome, cmd.Reason = check.Unavailable, erased
		return nil
	}
	if _, err := vn.ParseCitizenID(who.Document.Number); err != nil {
		cmd.Outcome, cmd.Reason = check.Unavailable, notInRegister
		return nil
	}
	cmd.Outcome, cmd.Fields, err = c.Population.Check(ctx, who)
	return err
}
