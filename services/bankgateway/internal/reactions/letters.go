package reactions

import (
	"context"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/services/bankgateway/internal/clients"
	"github.com/songan-vn/songan/services/bankgateway/internal/instruction"
	"github.com/songan-vn/songan/services/bankgateway/internal/opening"
)

// categoryPurpose is ISO 20022's code for social security benefits.
const categoryPurpose = "SSBE"

// remittance is what the holder reads. It says neither who somebody is nor why they get money: others see statements too.
const remittance = "An sinh xa hoi"

// payment is an instruction to pay.
type payment struct {
	disbursement.Payable
	disbursement.Target

	at time.Time
}

func (p payment) stream() string    { return instruction.Stream(p.EndToEndID) }
func (p payment) key() string       { return p.EndToEndID }
func (p payment) names() []string   { return []string{p.Holder} }
func (p payment) people() []string  { return nil }
func (p payment) numbers() []string { return []string{p.Number} }

func (p payment) due(history []events.Event) bool {
	s := instructionOf(history)
	return !s.Sent && s.Withdrawn == ""
}

func (p payment) letter(known resolved) (events.Event, string) {
	number, reason := known.number(p.Number)
	if reason != "" {
		return nil, reason
	}
	name, reason := known.name(p.Holder)
	if reason != "" {
		return nil, reason
	}
	return bank.PaymentInstructed{
		EndToEndID: p.EndToEndID, UETR: p.UETR(), Amount: p.Amount,
		CreditorName: name, CreditorAccount: number, CategoryPurpose: categoryPurpose,
		Programme: p.Programme, Month: p.Month, Remittance: remittance + " " + p.Month, InstructedAt: p.at.UTC(),
	}, ""
}

func (p payment) send() instruction.Send {
	return instruction.Send{Instruction: named(p.Payment, p.Target), Amount: p.Amount, Account: p.Account}
}

func (p payment) begin(m decider.Meta) ([]events.Event, error) {
	return p.send().Decide(instruction.Instruction{}, m)
}

func (p payment) sent(ctx context.Context, log *eventstore.Store, m decider.Meta) (int64, error) {
	return after(eventstore.Execute(ctx, log, p.stream(), p.send(), m))
}

func (p payment) claim() string { return p.EndToEndID }

// The cause of holding and resuming is not the release: it would keep the instruction from being sent because of it.
func (p payment) held(ctx context.Context, log *eventstore.Store, m decider.Meta, reason string) (int64, error) {
	m.Cause = ""
	return after(eventstore.Execute(ctx, log, instruction.Stream(p.EndToEndID), instruction.Hold{Instruction: named(p.Payment, p.Target), Reason: reason}, m))
}

func (p payment) resume(ctx context.Context, log *eventstore.Store, m decider.Meta) (int64, error) {
	return after(eventstore.Execute(ctx, log, instruction.Stream(p.EndToEndID), instruction.Resume{}, m))
}

// about is what is said about an instruction that was sent. It needs nobody's data, so nothing holds it up.
type about struct{ id string }

func (a about) stream() string    { return instruction.Stream(a.id) }
func (a about) key() string       { return a.id }
func (a about) names() []string   { return nil }
func (a about) people() []string  { return nil }
func (a about) numbers() []string { return nil }
func (a about) claim() string     { return "" }

func (a about) begin(decider.Meta) ([]events.Event, error) { return nil, nil }

func (a about) held(context.Context, *eventstore.Store, decider.Meta, string) (int64, error) {
	return 0, nil
}

func (a about) resume(context.Context, *eventstore.Store, decider.Meta) (int64, error) {
	return 0, nil
}

// inquiry asks what became of an instruction.
type inquiry struct {
	about

	Inquiry int
	At      time.Time
}

func (i inquiry) due(history []events.Event) bool {
	s := instructionOf(history)
	return s.Sent && i.Inquiry > s.Inquiry
}

func (i inquiry) letter(resolved) (events.Event, string) {
	return bank.StatusInquired{EndToEndID: i.id, Inquiry: i.Inquiry, InquiredAt: i.At.UTC()}, ""
}

func (i inquiry) sent(ctx context.Context, log *eventstore.Store, m decider.Meta) (int64, error) {
	return after(eventstore.Execute(ctx, log, instruction.Stream(i.id), instruction.Inquire{Inquiry: i.Inquiry}, m))
}

// recall asks for the money back.
type recall struct {
	about

	Reason string
	At     time.Time
}

func (r recall) due(history []events.Event) bool {
	s := instructionOf(history)
	return s.Sent && !s.Recalled
}

func (r recall) letter(resolved) (events.Event, string) {
	return bank.PaymentRecallRequested{EndToEndID: r.id, Reason: r.Reason, RequestedAt: r.At.UTC()}, ""
}

func (r recall) sent(ctx context.Context, log *eventstore.Store, m decider.Meta) (int64, error) {
	return after(eventstore.Execute(ctx, log, instruction.Stream(r.id), instruction.Recall{Reason: r.Reason}, m))
}

// request asks for an account.
type request struct {
	accounts.AccountRequested

	at time.Time
}

func (r request) stream() string    { return opening.Stream(r.Account) }
func (r request) key() string       { return r.Account }
func (r request) names() []string   { return nil }
func (r request) numbers() []string { return nil }
func (r request) claim() string     { return "" }
func (r request) people() []string  { return []string{r.Holder, r.Person} }

func (r request) due(history []events.Event) bool {
	return !decider.Fold(opening.Opening{}, history...).Sent
}

func (r request) letter(known resolved) (events.Event, string) {
	holder, reason := known.person(r.Holder, "holder")
	if reason != "" {
		return nil, reason
	}
	body := bank.AccountOpeningRequested{RequestID: r.Account, Holder: party(holder), RequestedAt: r.at.UTC()}
	if r.Person != r.Holder {
		person, reason := known.person(r.Person, "person")
		if reason != "" {
			return nil, reason
		}
		beneficiary := party(person)
		body.Beneficiary = &beneficiary
	}
	return body, ""
}

func party(p clients.Person) bank.Party {
	return bank.Party{
		FullName: p.FullName, BirthDate: p.BirthDate, Sex: p.Sex, DocumentType: p.Document.Type,
		DocumentNumber: p.Document.Number, Residence: p.Residence.Text, Phone: p.Phone,
	}
}

func (r request) send() opening.Send {
	return opening.Send{Account: r.Account, Beneficiary: r.Beneficiary, Bank: r.Bank, Holder: r.Holder}
}

func (r request) begin(m decider.Meta) ([]events.Event, error) {
	return r.send().Decide(opening.Opening{}, m)
}

func (r request) sent(ctx context.Context, log *eventstore.Store, m decider.Meta) (int64, error) {
	return after(eventstore.Execute(ctx, log, r.stream(), r.send(), m))
}

func (r request) held(ctx context.Context, log *eventstore.Store, m decider.Meta, reason string) (int64, error) {
	m.Cause = ""
	return after(eventstore.Execute(ctx, log, opening.Stream(r.Account), opening.Hold{Account: r.Account, Bank: r.Bank, Reason: reason}, m))
}

func (r request) resume(ctx context.Context, log *eventstore.Store, m decider.Meta) (int64, error) {
	return after(eventstore.Execute(ctx, log, opening.Stream(r.Account), opening.Resume{}, m))
}
