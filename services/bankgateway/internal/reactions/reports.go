package reactions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"regexp"
	"time"

	jsonv1 "github.com/go-json-experiment/json/v1" // reads as encoding/json does, in less than half of the time
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/services/bankgateway/internal/clients"
	"github.com/songan-vn/songan/services/bankgateway/internal/instruction"
	"github.com/songan-vn/songan/services/bankgateway/internal/opening"
	"github.com/songan-vn/songan/services/bankgateway/internal/projections"
)

// Reports hears what one bank says.
type Reports struct {
	Bank   string
	Pool   *pgxpool.Pool
	Log    *eventstore.Store
	Vault  *vault.Vault
	People *clients.People
	Now    func() time.Time
}

// Foreign says how the bank's messages are read.
func (r Reports) Foreign() *reaction.Foreign {
	catalog := events.NewCatalog(bank.Reports())
	return &reaction.Foreign{
		Decode: func(m reaction.Message) (events.Event, error) { return decode(catalog, m) },
		Show: func(key string) string {
			if ours.MatchString(key) {
				return key
			}
			return r.Vault.Name("foreign_key", r.Bank, key)
		},
	}
}

// ours is what our ids look like: keyed names in base32, those of payments between SA and the attempt, those of accounts
// with an ordinal. No account or document number does.
var ours = regexp.MustCompile(`^(SA-[A-Z2-7]{26}|[a-z2-7]{26})(-[0-9]{1,8})?$`)

// idShape is what may name a stream.
var idShape = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

// The faults of a message as such. They say what, and never the value.
var (
	errVersion = errors.New("header ce_specversion is missing, or not 1.0")
	errType    = errors.New("header ce_type is missing, or no report of a bank")
	errMedia   = errors.New("header content-type is not application/json")
	errBody    = errors.New("the body is not the JSON of its type")
)

// decode reads a CloudEvent in binary mode. Fields that nobody knows are passed over: a bank may say more than we ask.
func decode(catalog events.Catalog, m reaction.Message) (events.Event, error) {
	if m.Headers["ce_specversion"] != "1.0" {
		return nil, errVersion
	}
	if !catalog.Knows(m.Headers["ce_type"]) {
		return nil, errType
	}
	if media := m.Headers["content-type"]; media != "" {
		if name, _, err := mime.ParseMediaType(media); err != nil || name != "application/json" {
			return nil, errMedia
		}
	}
	report, err := catalog.ReadBy(jsonv1.Unmarshal).Decode(m.Headers["ce_type"], m.Body)
	if err == nil {
		return report, nil
	}
	if report, err = catalog.Decode(m.Headers["ce_type"], m.Body); err != nil { // its errors are those that we know how to tell
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return nil, fmt.Errorf("%w: field %s has another type than %s", errBody, wrong.Field, wrong.Type)
		}
		return nil, errBody
	}
	return report, nil
}

// Handlers lists what a bank may say.
func (r Reports) Handlers() []reaction.Handler {
	return []reaction.Handler{reaction.On(r.payment), reaction.On(r.opening), reaction.On(r.verified)}
}

// meta names the report by its place: the bank's own ids may repeat.
func (r Reports) meta(m events.Recorded) decider.Meta {
	return decider.Meta{At: r.Now(), Actor: "bank:" + r.Bank, Cause: m.Meta.Cause, Correlation: m.Meta.Cause}
}

func (r Reports) payment(ctx context.Context, m events.Recorded, e bank.PaymentStatusReported) error {
	if !idShape.MatchString(e.EndToEndID) {
		return reaction.Nonsense(malformed())
	}
	cmd := instruction.Hear{Bank: r.Bank, Report: e}
	_, err := eventstore.Execute(ctx, r.Log, instruction.Stream(e.EndToEndID), cmd, r.meta(m))
	if problem.CodeOf(err) == problem.CodeOf(instruction.InquiryUnknown()) {
		return r.unasked(ctx, err, projections.InquireWork(e.EndToEndID, e.Inquiry))
	}
	return r.patient(ctx, err, instruction.Unknown(), projections.InstructWork(e.EndToEndID))
}

func (r Reports) opening(ctx context.Context, m events.Recorded, e bank.AccountOpeningReported) error {
	if !idShape.MatchString(e.RequestID) {
		return reaction.Nonsense(malformed())
	}
	if err := opening.Check(e); err != nil {
		return reaction.Nonsense(err)
	}
	cmd, secrets, err := r.read(ctx, e)
	if err == nil {
		_, err = eventstore.Execute(ctx, r.Log, opening.Stream(e.RequestID), cmd, r.meta(m), eventstore.WithSecrets(secrets...))
	}
	return r.patient(ctx, err, opening.Unknown(), projections.OpenWork(e.RequestID))
}

// read compares the holder's name and seals the number, unless the same one is sealed already.
func (r Reports) read(ctx context.Context, e bank.AccountOpeningReported) (opening.Hear, []vault.Row, error) {
	cmd := opening.Hear{Bank: r.Bank, Status: e.Status, Reason: e.Reason, Biometric: e.Biometric}
	if e.Status != opening.Opened {
		return cmd, nil, nil
	}
	history, err := r.Log.Load(ctx, opening.Stream(e.RequestID))
	if err != nil {
		return cmd, nil, fmt.Errorf("see what was asked of the bank: %w", err)
	}
	var state opening.Opening
	for _, h := range history {
		state = state.Evolve(h.Event)
	}
	switch {
	case !state.Sent:
		return cmd, nil, opening.Unknown()
	case state.Bank != r.Bank:
		return cmd, nil, opening.OtherBank()
	}
	holder, err := r.People.One(ctx, state.Holder)
	switch {
	case err != nil:
		return cmd, nil, fmt.Errorf("read the holder of an account: %w", err)
	case holder.Unreadable:
		return cmd, nil, unsayable("holder_unreadable")
	case holder.Person == nil:
		return cmd, nil, unsayable("holder_erased")
	}
	cmd.HolderMatch = opening.CompareHolder(holder.Person.FullName, e.HolderName)
	cmd.Mark = r.Vault.Name("account", r.Bank, e.AccountNumber)
	if cmd.Mark == state.Last.Mark {
		cmd.Number = state.Last.Number
		return cmd, nil, nil
	}
	return r.seal(cmd, state, e.AccountNumber)
}

// seal keeps the number of a report that counts. One that is set aside keeps its mark only.
func (r Reports) seal(cmd opening.Hear, state opening.Opening, number string) (opening.Hear, []vault.Row, error) {
	if !cmd.Counts(state) {
		return cmd, nil, nil
	}
	row, err := r.Vault.Seal(PurposeNumber, sealedNumber{number}, vault.Index{}, time.Time{})
	if err != nil {
		return cmd, nil, fmt.Errorf("seal the number of an account: %w", err)
	}
	cmd.Number = string(row.Ref)
	return cmd, []vault.Row{row}, nil
}

// verified refuses the answer to a question that nobody asks yet.
func (r Reports) verified(context.Context, events.Recorded, bank.AccountVerified) error {
	return reaction.Nonsense(opening.Unknown())
}

// errRecording says that the bank was faster than our own record of what it was sent.
var errRecording = errors.New("what the bank was sent is not recorded yet")

// unasked makes an answer wait whose question is on its way, as patient does. What nobody wants to know was not asked either,
// and must not become an answer because it is asked later.
func (r Reports) unasked(ctx context.Context, err error, work string) error {
	d, wanted, lookErr := projections.Find(ctx, r.Pool, work)
	switch {
	case lookErr != nil:
		return lookErr
	case wanted && d.Bank == r.Bank:
		return breaker.Down(errRecording)
	}
	return reaction.Nonsense(err)
}

// patient makes a report wait whose instruction is on its way: a bank may answer before it is recorded that it was
// told, for long after a crash in between. What is refused for another reason will not get better.
func (r Reports) patient(ctx context.Context, err, unknown error, work string) error {
	refusal, refused := problem.Of(err)
	switch {
	case !refused || refusal.Kind != problem.Rejected:
		return err
	case refusal.Code != problem.CodeOf(unknown):
		return reaction.Nonsense(err)
	}
	d, wanted, lookErr := projections.Find(ctx, r.Pool, work)
	if lookErr != nil {
		return lookErr
	}
	if wanted && d.Bank == r.Bank && !d.Held {
		return breaker.Down(errRecording)
	}
	return err
}

func malformed() error {
	return problem.Reject("id_malformed", "the id of the instruction or request is none of ours", "mã lệnh hoặc mã yêu cầu không hợp lệ")
}
