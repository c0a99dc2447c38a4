package projections

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
)

// Payment is one row of the table of payments. Up to ReleasedAt nothing ever changes.
type Payment struct {
	Payment string
	Payroll string
	// PayrollMonth is the month of the list, which is not the month that arrears are for.
	PayrollMonth  string
	UnitCode      string
	UnitValidFrom string
	Programme     string
	Beneficiary   string
	Mark          string
	Month         string
	Kind          string
	Origin        string
	Amount        int64
	ReleasedAt    time.Time

	Status     string
	Attempt    int32
	EndToEndID string
	Bank       string
	Account    string
	// Outcome is that of the last attempt: credited, rejected, returned, or empty.
	Outcome       string
	Reason        string
	BankReference string
	BookedAt      time.Time
	Inquiries     int32
	// Contested lists the attempts about which the bank contradicted itself, until returns settle it.
	Contested []int32
	// Said is what the bank said of each attempt's money (see [payment.Said]), as "1 +FT26".
	Said        []string
	Recall      string
	CashReason  string
	CollectedOn string
	Receipt     string
	// DuplicateOf is the payment by which the person has the money of a refunded one; empty unless somebody called that a duplicate.
	DuplicateOf string
	// FromList is as in [payment.Payment].
	FromList bool
	// NewsAt is when something was last heard or done.
	NewsAt time.Time
	// Facts counts the facts of the payment's stream.
	Facts int32
}

// paymentsDDL creates the tables of payments and of the ledger. No column that changes with every report is
// indexed, or asked by the predicate of an index, so that a report about a payment rewrites one row and no index.
const paymentsDDL = `
create table if not exists payments_v1 (
  payment         text primary key,
  payroll         text not null,
  payroll_month   text not null,
  unit_code       text not null,
  unit_valid_from text not null,
  programme       text not null,
  beneficiary     text not null,
  mark            text not null,
  month           text not null,
  kind            text not null,
  origin          text not null,
  amount          bigint not null,
  released_at     timestamptz not null,
  status          text not null,
  attempt         integer not null,
  end_to_end_id   text not null,
  bank            text not null,
  account         text not null,
  outcome         text not null,
  reason          text not null,
  bank_reference  text not null,
  booked_at       timestamptz not null,
  inquiries       integer not null,
  contested       integer[] not null,
  said            text[] not null,
  recall          text not null,
  cash_reason     text not null,
  collected_on    text not null,
  receipt         text not null,
  duplicate_of    text not null,
  from_list       boolean not null,
  news_at         timestamptz not null,
  facts           integer not null,
  refunded        boolean not null generated always as (status = 'refunded') stored
) with (fillfactor = 50);
create index if not exists payments_by_payroll_v1 on payments_v1 (payroll, payment);
create index if not exists payments_by_beneficiary_v1 on payments_v1 (beneficiary, payment);
create index if not exists payments_by_origin_v1 on payments_v1 (origin) where origin <> '';
create index if not exists payments_contested_v1 on payments_v1 (payment) where contested <> '{}';
create index if not exists payments_refunded_v1 on payments_v1 (mark) where refunded;
create index if not exists payments_by_month_v1 on payments_v1 (payroll_month, unit_code);

create table if not exists bookings_v1 (
  bank      text not null,
  reference text not null,
  payment   text not null,
  attempt   integer not null,
  primary key (bank, reference)
);

-- Credits whose booking was another payment's before.
create table if not exists double_bookings_v1 (
  payment   text not null,
  attempt   integer not null,
  bank      text not null,
  reference text not null,
  other         text not null,
  other_attempt integer not null,
  primary key (payment, attempt)
);

create table if not exists payment_lists_v1 (
  payroll         text primary key,
  unit_code       text not null,
  unit_valid_from text not null,
  programme       text not null,
  month           text not null,
  draft           integer not null,
  released        text not null,
  completed       boolean not null,
  closed          boolean not null
);
create index if not exists payment_lists_to_release_v1 on payment_lists_v1 (payroll) where released <> '' and not completed;

create table if not exists ledger_entries_v1 (
  position     bigint primary key,
  payroll      text not null,
  payment      text not null,
  fact         text not null,
  from_account text not null,
  to_account   text not null,
  amount       bigint not null,
  posted_at    timestamptz not null
);
create index if not exists ledger_entries_by_payroll_v1 on ledger_entries_v1 (payroll, position);

create table if not exists ledger_balances_v1 (
  payroll text not null,
  account text not null,
  amount  bigint not null,
  primary key (payroll, account)
) with (fillfactor = 50);
create index if not exists ledger_in_flight_v1 on ledger_balances_v1 (payroll) where account = 'in_flight';
`

// paymentOf names the payment that a fact is about; empty when it is about none.
func paymentOf(e events.Event) string {
	switch e := e.(type) {
	case disbursement.PaymentReleased:
		return e.Payment
	case disbursement.CashReleased:
		return e.Payment
	case disbursement.PaymentSent:
		return e.Payment
	case disbursement.PaymentAcknowledged:
		return e.Payment
	case disbursement.PaymentInFlight:
		return e.Payment
	case disbursement.PaymentUnknown:
		return e.Payment
	case disbursement.PaymentCredited:
		return e.Payment
	case disbursement.PaymentRejected:
		return e.Payment
	case disbursement.PaymentReturned:
		return e.Payment
	default:
		return paymentOfDecision(e)
	}
}

// paymentOfDecision continues [paymentOf] with what officers and closures decide.
func paymentOfDecision(e events.Event) string {
	switch e := e.(type) {
	case disbursement.PaymentReissued:
		return e.Payment
	case disbursement.MovedToCash:
		return e.Payment
	case disbursement.CashPaid:
		return e.Payment
	case disbursement.PaymentCarriedForward:
		return e.Payment
	case disbursement.RecallRequested:
		return e.Payment
	case disbursement.ReportNoted:
		return e.Payment
	case disbursement.WithdrawalProposed:
		return e.Payment
	case disbursement.WithdrawalRequested:
		return e.Payment
	case disbursement.PaymentWithdrawn:
		return e.Payment
	case disbursement.CreditContested:
		return e.Payment
	case disbursement.PaymentRefunded:
		return e.Payment
	default:
		return ""
	}
}

// begins tells whether a fact is the first of a payment.
func begins(e events.Event) bool {
	switch e.(type) {
	case disbursement.PaymentReleased, disbursement.CashReleased:
		return true
	default:
		return false
	}
}

// applyToPayment folds a fact into its row. It says the same as [payment.Payment], in the columns that lists need.
func applyToPayment(p Payment, r events.Recorded) Payment {
	facts := p.Facts + 1
	switch e := r.Event.(type) {
	case disbursement.PaymentReleased:
		p = newPayment(e.Payable, r)
		p.Status = payment.Released
		p.aim(e.Target)
	case disbursement.CashReleased:
		p = newPayment(e.Payable, r)
		p.Status, p.CashReason = payment.CashPending, e.Reason
	case disbursement.PaymentReissued:
		p.FromList = p.FromList || p.Status == payment.Returned || p.Status == payment.Recalled
		p.Status = payment.Reissued
		p.aim(e.Target)
	case disbursement.MovedToCash:
		p.Status, p.CashReason = payment.CashPending, "moved"
	case disbursement.CashPaid:
		p.Status, p.CollectedOn, p.Receipt = payment.CashPaid, e.CollectedOn, e.Receipt
	case disbursement.PaymentCarriedForward:
		p.Status = payment.CarriedForward
	case disbursement.PaymentRefunded:
		p.Status, p.DuplicateOf = payment.Refunded, e.DuplicateOf
	case disbursement.RecallRequested:
		p.recalled(e)
	case disbursement.ReportNoted:
		p.note(e)
	case disbursement.PaymentWithdrawn:
		p.withdraw(e)
	case disbursement.CreditContested:
		p.hear(int32(e.Attempt), payment.Doubt) //nolint:gosec // at most 99
	default:
		p.report(r.Event)
	}
	p.hear(p.Attempt, "") // its outcome may be another
	p.Facts, p.NewsAt = facts, r.Meta.OccurredAt
	return p
}

func (p *Payment) withdraw(e disbursement.PaymentWithdrawn) {
	p.Status = payment.AfterWithdrawal(e.Reason)
	if e.Attempt > 0 {
		p.Outcome, p.Reason = payment.Rejected, e.Reason
	}
}

// recalled shows a recall of the current attempt; that of one before it stands in the stream.
func (p *Payment) recalled(e disbursement.RecallRequested) {
	if int32(e.Attempt) == p.Attempt { //nolint:gosec // at most 99
		p.Recall = e.Reason
	}
}

func newPayment(e disbursement.Payable, r events.Recorded) Payment {
	return Payment{
		Payment: e.Payment, Payroll: e.Payroll, UnitCode: e.Unit.Code, UnitValidFrom: e.Unit.ValidFrom,
		Programme: e.Programme, Beneficiary: e.Beneficiary, Mark: e.Mark, Month: e.Month, Kind: e.Kind, Origin: e.Origin,
		Amount: e.Amount, ReleasedAt: r.Meta.OccurredAt, Contested: []int32{}, Said: []string{},
	}
}

// aim begins an attempt.
func (p *Payment) aim(t disbursement.Target) {
	p.Attempt, p.EndToEndID, p.Bank, p.Account = int32(t.Attempt), t.EndToEndID, t.Bank, t.Account //nolint:gosec // at most 99
	p.Outcome, p.Reason, p.BankReference, p.BookedAt, p.Inquiries, p.Recall = "", "", "", time.Time{}, 0, ""
}

// report folds what a bank said.
func (p *Payment) report(e events.Event) {
	switch e := e.(type) {
	case disbursement.PaymentSent:
		p.Status = payment.Sent
	case disbursement.PaymentAcknowledged:
		p.Status = payment.Acknowledged
	case disbursement.PaymentInFlight:
		p.Status = payment.InFlight
	case disbursement.PaymentUnknown:
		p.Status, p.Inquiries = payment.Unknown, int32(e.Inquiry) //nolint:gosec // at most 20
	case disbursement.PaymentCredited:
		p.Status, p.Outcome, p.BankReference, p.BookedAt = payment.Credited, payment.Credited, e.BankReference, e.BookedAt
		p.hear(p.Attempt, payment.CreditSaid(e.BankReference))
	case disbursement.PaymentRejected:
		p.Status, p.Outcome, p.Reason = p.unlessRecalled(payment.Rejected), payment.Rejected, e.Reason
	case disbursement.PaymentReturned:
		p.Status, p.Outcome, p.Reason = p.unlessRecalled(payment.Returned), payment.Returned, e.Reason
		p.BookedAt = e.BookedAt
		p.hear(p.Attempt, payment.ReturnSaid(e.BankReference))
	}
}

func (p *Payment) unlessRecalled(status string) string {
	if p.Recall != "" {
		return payment.Recalled
	}
	return status
}

func (p *Payment) note(e disbursement.ReportNoted) {
	if e.Why == payment.Uncertain {
		return
	}
	attempt := int32(e.Attempt) //nolint:gosec // at most 99
	p.hear(attempt, payment.NotedSaid(e, p.outcomeOf(attempt)))
}

// outcomeOf is the outcome of an attempt as far as it matters: one that was credited is never followed by another.
func (p *Payment) outcomeOf(attempt int32) string {
	if attempt == p.Attempt {
		return p.Outcome
	}
	return ""
}

// hear adds what the bank said of an attempt's money, and weighs all of it.
func (p *Payment) hear(attempt int32, what string) {
	if what == "" && len(p.Said) == 0 {
		return
	}
	number := fmt.Sprint(attempt)
	var said payment.Said
	for _, s := range p.Said {
		if of, what, _ := strings.Cut(s, " "); of == number {
			said = append(said, what)
		}
	}
	if all := said.With(what); len(all) > len(said) {
		said, p.Said = all, append(slices.Clip(p.Said), number+" "+what)
	}
	at := slices.Index(p.Contested, attempt)
	switch contested := said.Contested(p.outcomeOf(attempt)); {
	case contested && at < 0:
		p.Contested = append(slices.Clip(p.Contested), attempt)
	case !contested && at >= 0:
		p.Contested = slices.Delete(slices.Clone(p.Contested), at, at+1)
	}
}

// state is as much of the payment's state as decides where its money lies.
func (p *Payment) state() payment.Payment {
	s := payment.Payment{Status: p.Status, FromList: p.FromList}
	s.Amount, s.Current.Outcome = p.Amount, p.Outcome
	return s
}

// movement is the posting of a fact that led one row to the next.
func movement(before, after *Payment) (ledger.Posting, bool) {
	return ledger.Move(before.state(), after.state())
}
