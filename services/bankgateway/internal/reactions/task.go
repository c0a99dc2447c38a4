package reactions

import (
	"context"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/services/bankgateway/internal/instruction"
	"github.com/songan-vn/songan/services/bankgateway/internal/projections"
)

// task is one thing to be said to a bank.
type task interface {
	// stream is where it is recorded, key what the bank finds it by.
	stream() string
	key() string
	// due tells whether it is still to be said, by the facts of its stream.
	due(history []events.Event) bool
	// names, people and numbers are the references that have to be resolved: to a name, to all of a person, to an account number.
	names() []string
	people() []string
	numbers() []string
	// claim is what is claimed before it is said, because it may be withdrawn; empty if it cannot be.
	claim() string
	// letter is what the bank gets; or else the reason for which it cannot be written.
	letter(known resolved) (body events.Event, reason string)
	// begin decides what is recorded when it was sent and its stream is new; nothing for what cannot be the first.
	begin(m decider.Meta) ([]events.Event, error)
	// sent and held record what became of it. They answer with the position of the last fact.
	sent(ctx context.Context, log *eventstore.Store, m decider.Meta) (int64, error)
	held(ctx context.Context, log *eventstore.Store, m decider.Meta, reason string) (int64, error)
	// resume puts it back among what is to be said.
	resume(ctx context.Context, log *eventstore.Store, m decider.Meta) (int64, error)
}

// wanting holds the facts that something has to be said for.
func wanting() events.Catalog {
	return events.NewCatalog(projections.Wanting()).ReadBy(jsonv1.Unmarshal)
}

// taskOf reads the task out of a dispatch.
func taskOf(catalog events.Catalog, d projections.Dispatch) (task, error) {
	fact, err := catalog.Decode(d.Type, []byte(d.Fact))
	if err != nil {
		return nil, fmt.Errorf("read dispatch %s: %w", d.Work, err)
	}
	switch e := fact.(type) {
	case disbursement.PaymentReleased:
		return payment{e.Payable, e.Target, d.WantedAt}, nil
	case disbursement.PaymentReissued:
		return payment{e.Payable, e.Target, d.WantedAt}, nil
	case disbursement.PaymentUnknown:
		return inquiry{about: about{e.EndToEndID}, Inquiry: e.Inquiry, At: d.WantedAt}, nil
	case disbursement.RecallRequested:
		return recall{about: about{e.EndToEndID}, Reason: e.Reason, At: d.WantedAt}, nil
	case accounts.AccountRequested:
		return request{e, d.WantedAt}, nil
	}
	return nil, fmt.Errorf("read dispatch %s: nothing is said for a %s", d.Work, d.Type)
}

// metaOf continues the chain of the fact that wanted a dispatch.
func metaOf(d projections.Dispatch, now time.Time) decider.Meta {
	m := decider.Meta{At: now, Actor: Actor, Cause: d.Cause, Correlation: d.Correlation, Trace: d.Trace}
	if m.Correlation == "" {
		m.Correlation = d.Cause
	}
	return m
}

// envelope makes a CloudEvent in binary mode. Id, time and body follow from the fact that wanted it: sent again, it is
// the same to the byte.
func (o Outbox) envelope(d projections.Dispatch, key string, body events.Event) (*message.Message, error) {
	data, err := o.JSON.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("write %s: %T has no JSON", d.Work, body)
	}
	id := "bankgateway/" + d.Work
	m := message.NewMessage(id, data)
	m.Metadata = message.Metadata{
		"ce_specversion": "1.0", "ce_id": id, "ce_type": body.EventName(), "ce_source": "songan/bankgateway", "ce_subject": key,
		"ce_time": d.WantedAt.UTC().Format(time.RFC3339Nano), "content-type": "application/json", kafkabus.KeyMetadata: key,
	}
	if d.Trace != "" {
		m.Metadata["traceparent"] = d.Trace
	}
	return m, nil
}

// instructionOf folds the stream of an instruction.
func instructionOf(history []events.Event) instruction.Instruction {
	return decider.Fold(instruction.Instruction{}, history...)
}

// after is the position of the last fact that a command saw or recorded.
func after[S any](out eventstore.Outcome[S], err error) (int64, error) { return out.Position, err }

// named is the instruction that a target stands for.
func named(payable string, t disbursement.Target) bankgateway.Instruction {
	return bankgateway.Instruction{EndToEndID: t.EndToEndID, Payment: payable, Attempt: t.Attempt, Bank: t.Bank}
}
