package projections

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/projection"
)

func at(n int) time.Time { return time.Date(2026, 11, 21, 9, n, 0, 0, time.UTC) }

// fact is a recorded fact of a stream.
func fact(n int, e events.Event) events.Recorded {
	return events.Recorded{Position: int64(n), Stream: "s", Version: n, RecordedAt: at(n), Meta: events.Meta{Correlation: "c"}, Event: e}
}

// folded are the rows without the bodies that facts had.
func folded(history ...events.Recorded) map[string]Dispatch {
	rows := projection.Table[Dispatch]{Key: dispatchKey, Apply: newScribe().apply}.Fold(history...)
	for key, row := range rows {
		row.Fact = ""
		rows[key] = row
	}
	return rows
}

func released() disbursement.PaymentReleased {
	return disbursement.PaymentReleased{Target: disbursement.Target{EndToEndID: "e", Bank: "B"}}
}

func TestWhatIsWantedWaitsUntilItIsDone(t *testing.T) {
	t.Parallel()
	in := bankgateway.Instruction{EndToEndID: "e", Bank: "B"}
	got := folded(
		fact(1, released()), fact(2, bankgateway.InstructionHeld{Instruction: in}),
		fact(3, accounts.AccountRequested{Account: "a-1", Bank: "B"}), fact(4, bankgateway.OpeningSent{Account: "a-1"}),
		fact(5, disbursement.PaymentUnknown{EndToEndID: "e", Bank: "B", Inquiry: 2}), fact(6, bankgateway.InquirySent{Instruction: in, Inquiry: 1}),
		fact(7, disbursement.RecallRequested{EndToEndID: "e", Bank: "B"}),
	)
	row := func(n int, work, typ string) Dispatch {
		return Dispatch{
			Work: work, Bank: "B", Type: typ, Correlation: "c", WantedAt: at(n), Cause: fact(n, released()).ID(),
		}
	}
	want := map[string]Dispatch{
		"instruct/e":  row(1, "instruct/e", "disbursement.payment_released.v1"),
		"open/a-1":    row(3, "open/a-1", "accounts.account_requested.v1"),
		"inquire/e/2": row(5, "inquire/e/2", "disbursement.payment_unknown.v1"),
		"inquire/e/1": {Work: "inquire/e/1", Done: true},
		"recall/e":    row(7, "recall/e", "disbursement.recall_requested.v1"),
	}
	held, done := want["instruct/e"], want["open/a-1"]
	held.Held, done.Done, done.Cause = true, true, "accounts/s/3"
	want["instruct/e"], want["open/a-1"] = held, done
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The facts of two services come in no certain order: a read model that is built again reads its own log first.
func TestTheRowsAreTheSameInWhateverOrderTheServicesAreRead(t *testing.T) {
	t.Parallel()
	in := bankgateway.Instruction{EndToEndID: "e", Bank: "B"}
	others := []events.Recorded{fact(1, released()), fact(2, disbursement.PaymentReissued{Target: released().Target}), fact(3, disbursement.RecallRequested{EndToEndID: "e", Bank: "B"})}
	own := []events.Recorded{
		fact(1, bankgateway.InstructionHeld{Instruction: in}), fact(2, bankgateway.InstructionResumed{Instruction: in}),
		fact(3, bankgateway.InstructionSent{Instruction: in}), fact(4, bankgateway.RecallSent{Instruction: in}),
	}
	want := folded(append(append([]events.Recorded{}, others...), own...)...)
	rapid.Check(t, func(t *rapid.T) {
		var history []events.Recorded
		for i, j := 0, 0; i < len(others) || j < len(own); {
			if j == len(own) || i < len(others) && rapid.Bool().Draw(t, "others") {
				history, i = append(history, others[i]), i+1
			} else {
				history, j = append(history, own[j]), j+1
			}
		}
		if diff := cmp.Diff(want, folded(history...)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestAChannelCountsWhatWentThroughIt(t *testing.T) {
	t.Parallel()
	in := bankgateway.Instruction{EndToEndID: "e", Bank: "B"}
	got := projection.Table[Channel]{Key: channelKey, Apply: applyToChannel}.Fold(
		fact(1, bankgateway.OpeningSent{Account: "a", Bank: "B"}), fact(2, bankgateway.InstructionSent{Instruction: in}),
		fact(3, bankgateway.InquirySent{Instruction: in}), fact(4, bankgateway.RecallSent{Instruction: in}),
		fact(5, bankgateway.OpeningReported{Bank: "B"}), fact(6, bankgateway.PaymentReported{Instruction: in}),
		fact(7, bankgateway.OpeningReportSetAside{Bank: "B"}), fact(8, bankgateway.ReportSetAside{Instruction: in}),
		fact(9, bankgateway.BankPaused{Bank: "B", Note: "n", By: "x"}), fact(10, bankgateway.BankPaused{Bank: "C", Note: "n", By: "x"}),
		fact(11, bankgateway.BankResumed{Bank: "C", By: "x"}), fact(12, bankgateway.InstructionHeld{Instruction: in}),
	)
	want := map[string]Channel{
		"B": {
			Bank: "B", Sent: 4, Reported: 2, SetAside: 2, LastSentAt: at(4), LastReportAt: at(8), PausedAt: at(9), PausedBy: "x", Note: "n",
		},
		"C": {Bank: "C"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
