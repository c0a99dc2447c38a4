package disbursement

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/history"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/witness"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/contester"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/inquirer"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/releaser"
)

// paymentParts is what the handlers of payments work with.
type paymentParts struct {
	model    *projection.Model
	releaser *releaser.Releaser
	inquirer *inquirer.Inquirer
	contests *contester.Contester
}

// reportsInFlight is how many reports of one partition are recorded at the same time. Each waits for a commit that it
// shares with the others, so the more there are the fewer commits it takes.
const reportsInFlight = 256

// wirePayments adds what banks say, and what runs by itself.
func (a *app) wirePayments(base *foundation.Foundation) error {
	a.payment.releaser = releaser.New(releaser.Deps{
		Pool: a.pool, Log: a.log, Payments: a.payment.model, Enrolments: a.enrolments, People: a.beneficiaries, Stops: a.stops,
		Pace: base.Pace, Now: a.now, Logger: a.logger,
	})
	a.payment.inquirer = inquirer.New(inquirer.Deps{
		Pool: a.pool, Log: a.log, Now: a.now, Logger: a.logger, Silence: a.config.Silence,
	})
	a.payment.contests = contester.New(contester.Deps{
		Pool: a.pool, Log: a.log, Payments: a.payment.model, Now: a.now, Logger: a.logger,
	})
	// Only the gateway's topic: there are many facts on the others, and none of them is for payments.
	from := foundation.Reading{
		Topics: []string{base.Topic("bankgateway")}, Catalog: events.NewCatalog(bankgateway.InstructionFacts()), InFlight: reportsInFlight,
	}
	return base.ReactTo("banks", from, reactions.Banks{Log: a.log, Now: a.now}.Handlers()...)
}

// runners run as long as the service does.
func (a *app) runners() []service.Runner {
	return []service.Runner{
		{Name: "clerk", Run: a.clerk.Run},
		{Name: "releaser", Run: a.payment.releaser.Run},
		{Name: "inquirer", Run: a.payment.inquirer.Run},
		{Name: "contester", Run: a.payment.contests.Run},
	}
}

// paymentRoutes is the HTTP surface of payments and of the ledger.
func (a *app) paymentRoutes(api *httpapi.API) {
	seen := a.payment.model.WaitFor
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /payments", Summary: "List payments", Action: "disbursement.list_payments", After: seen,
	}, a.listPayments)
	httpapi.Query(api, httpapi.Route{Pattern: "GET /payments/{id}", Summary: "Read a payment with its attempts", Action: "disbursement.read_payment"}, a.onePayment)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /payments/{id}/history", Summary: "Everything that happened to a payment", Action: "disbursement.read_payment_history",
	}, a.paymentHistory)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /payments/{id}/proof", Action: "disbursement.prove_payment",
		Summary: "A receipt for the latest fact of a payment, or another one, that verifies offline, with the public key of the log alone",
	}, a.provePayment)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /payments/{id}/reissue", Summary: "Try a failed payment again, into the account that the person has now", Action: "disbursement.reissue_payment",
	}, a.reissue)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /payments/{id}/cash", Summary: "Move a failed payment to cash, or, by another person, say that cash was handed over", Action: "disbursement.pay_in_cash",
	}, a.payCash, a.checkCash)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /payments/{id}/recall", Summary: "Ask the bank for the money back", Action: "disbursement.recall_payment",
	}, a.recall)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /payments/{id}/inquiry", Summary: "Ask the bank now what became of a payment that it owes an answer about", Action: "disbursement.inquire_payment",
	}, a.inquire)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /payments/{id}/withdrawal", Summary: "Propose to take back an instruction that no bank has yet", Action: "disbursement.propose_withdrawal",
	}, a.proposeWithdrawal)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /payments/{id}/withdrawal/approval", Summary: "Another person agrees; the money is available again once the gateway kept it",
		Action: "disbursement.approve_withdrawal",
	}, a.approveWithdrawal)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /payments/{id}/refund", Summary: "Give money that came back and that nobody is owed any more back to the treasury",
		Action: "disbursement.refund_payment",
	}, a.refund)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /payrolls/{id}/closure", Summary: "End a list; what was not paid goes to the next month", Action: "disbursement.close_payroll",
		Timeout: closureTimeout,
	}, a.closePayroll)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /reconciliations/{payroll}", Summary: "Where a list's money is, and what somebody has to look at", Action: "disbursement.read_reconciliation",
		After: seen,
	}, a.reconcile)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /cashless", Summary: "How much of what was paid went through accounts", Action: "disbursement.count_cashless", After: seen,
	}, a.cashless)
	httpapi.Ask(api, httpapi.Route{
		Pattern: "POST /needs", Summary: "Whose money is not settled, for other services", Action: "disbursement.read_needs",
	}, a.needs)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /ledger/accounts", Summary: "What the accounts of each list hold", Action: "disbursement.read_ledger_accounts", After: seen,
	}, a.ledgerAccounts)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /ledger/entries", Summary: "Postings, in the order of the log", Action: "disbursement.read_ledger_entries", After: seen,
	}, a.ledgerEntries)
}

// Payment is a payment as the service answers with it. People are references.
type Payment struct {
	ID          string `json:"id"`
	Payroll     string `json:"payroll"`
	Status      string `json:"status" enum:"released,sent,acknowledged,in_flight,unknown,credited,rejected,returned,reissued,cash_pending,cash_paid,carried_forward,recalled,refunded"`
	Unit        string `json:"unit"`
	Programme   string `json:"programme"`
	Beneficiary string `json:"beneficiary"`
	Month       string `json:"month" doc:"what the money is for"`
	Kind        string `json:"kind" enum:"regular,arrears,carried_forward"`
	Origin      string `json:"origin,omitzero" doc:"the payment that was carried forward"`
	Amount      int64  `json:"amount" doc:"dong"`

	Method        string    `json:"method" enum:"account,cash"`
	EndToEndID    string    `json:"end_to_end_id,omitzero"`
	UETR          string    `json:"uetr,omitzero"`
	Attempt       int       `json:"attempt,omitzero"`
	Bank          string    `json:"bank,omitzero"`
	Account       string    `json:"account,omitzero"`
	BankReference string    `json:"bank_reference,omitzero"`
	BookedAt      time.Time `json:"booked_at,omitzero"`
	Reason        string    `json:"reason,omitzero" doc:"of the last rejection or return, an ISO 20022 code"`
	Inquiries     int       `json:"inquiries,omitzero"`
	Contested     bool      `json:"contested,omitzero" doc:"the bank contradicted itself"`
	Recall        string    `json:"recall,omitzero" doc:"reason of a recall that was requested"`

	CashReason  string `json:"cash_reason,omitzero" doc:"why not by account"`
	CollectedOn string `json:"collected_on,omitzero"`
	Receipt     string `json:"receipt,omitzero"`

	ReleasedAt time.Time `json:"released_at,omitzero"`
	NewsAt     time.Time `json:"news_at,omitzero"`
	Attempts   []Attempt `json:"attempts,omitempty"`
}

// Attempt is one instruction to a bank.
type Attempt struct {
	Attempt       int    `json:"attempt"`
	EndToEndID    string `json:"end_to_end_id"`
	UETR          string `json:"uetr"`
	Bank          string `json:"bank"`
	Account       string `json:"account"`
	Outcome       string `json:"outcome,omitzero" enum:"credited,rejected,returned"`
	Reason        string `json:"reason,omitzero"`
	BankReference string `json:"bank_reference,omitzero"`
	Contested     bool   `json:"contested,omitzero"`
}

// methodOf is how a payment is, or is to be, paid.
func methodOf(status string, attempt int) string {
	if attempt == 0 || status == payment.CashPending || status == payment.CashPaid {
		return "cash"
	}
	return "account"
}

// viewRow shows a row of the list.
func viewRow(p projections.Payment) Payment {
	v := Payment{
		ID: p.Payment, Payroll: p.Payroll, Status: p.Status, Unit: p.UnitCode, Programme: p.Programme, Beneficiary: p.Beneficiary,
		Month: p.Month, Kind: p.Kind, Origin: p.Origin, Amount: p.Amount, Method: methodOf(p.Status, int(p.Attempt)),
		EndToEndID: p.EndToEndID, Attempt: int(p.Attempt), Bank: p.Bank, Account: p.Account, BankReference: p.BankReference,
		BookedAt: p.BookedAt, Reason: p.Reason, Inquiries: int(p.Inquiries), Contested: len(p.Contested) > 0, Recall: p.Recall,
		CashReason: p.CashReason, CollectedOn: p.CollectedOn, Receipt: p.Receipt, ReleasedAt: p.ReleasedAt, NewsAt: p.NewsAt,
	}
	if p.Attempt > 0 {
		v.UETR = uetr(p.EndToEndID)
	}
	return v
}

// viewPayment shows a payment as its stream has it, with all attempts.
func viewPayment(p payment.Payment) Payment {
	v := Payment{
		ID: p.Payment, Payroll: p.Payroll, Status: p.Status, Unit: p.Unit.Code, Programme: p.Programme, Beneficiary: p.Beneficiary,
		Month: p.Month, Kind: p.Kind, Origin: p.Origin, Amount: p.Amount, Method: methodOf(p.Status, p.Current.Attempt),
		EndToEndID: p.Current.EndToEndID, Attempt: p.Current.Attempt, Bank: p.Current.Bank, Account: p.Current.Account,
		BankReference: p.Current.Reference, Reason: p.Current.Reason, Inquiries: p.Current.Inquiries, Contested: p.Contested(),
		Recall: p.Current.Recall, CashReason: p.CashReason, CollectedOn: p.CollectedOn, Receipt: p.Receipt,
	}
	if p.Current.Attempt == 0 {
		return v
	}
	v.UETR = p.Current.UETR()
	for _, at := range append(slices.Clip(p.Earlier), p.Current) {
		v.Attempts = append(v.Attempts, Attempt{
			Attempt: at.Attempt, EndToEndID: at.EndToEndID, UETR: at.UETR(), Bank: at.Bank, Account: at.Account,
			Outcome: at.Outcome, Reason: at.Reason, BankReference: at.Reference, Contested: at.Contested,
		})
	}
	return v
}

// ListPayments narrows a list of payments.
type ListPayments struct {
	httpapi.Paging[string]

	Payroll     string `query:"payroll" maxLength:"64"`
	Status      string `query:"status" enum:"released,sent,acknowledged,in_flight,unknown,credited,rejected,returned,reissued,cash_pending,cash_paid,carried_forward,recalled,refunded"`
	Beneficiary string `query:"beneficiary" maxLength:"64"`
	Unit        string `query:"unit" pattern:"^[0-9]{2,5}$" doc:"a commune, or a province with its communes"`
	Month       string `query:"month" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" doc:"month of the list"`
}

func (a *app) listPayments(ctx context.Context, c httpapi.Call[ListPayments]) (httpapi.Page[Payment], error) {
	filter := projections.PaymentFilter{
		Scope: scope(c.Pass, c.In.Unit), Payroll: c.In.Payroll, Status: c.In.Status, Beneficiary: c.In.Beneficiary,
		PayrollMonth: c.In.Month, Limit: c.In.More(),
	}
	if c.In.Cursor.At != nil {
		filter.After = *c.In.Cursor.At
	}
	rows, err := projections.ListPayments(ctx, a.pool, filter)
	if err != nil {
		return httpapi.Page[Payment]{}, err
	}
	return httpapi.PageOf(c.In.Paging, rows, viewRow, func(p projections.Payment) string { return p.Payment }), nil
}

// paymentOf loads a payment that the caller may know of. To everybody else it does not exist.
func (a *app) paymentOf(ctx context.Context, id string, may policy.Pass) (payment.Payment, []events.Recorded, error) {
	recorded, err := a.log.Load(ctx, payment.Stream(id))
	if err != nil {
		return payment.Payment{}, nil, err
	}
	var p payment.Payment
	for _, r := range recorded {
		p = p.Evolve(r.Event)
	}
	if !p.Exists() || !may.May(thing(p.Unit)) {
		return payment.Payment{}, nil, payment.ErrUnknown()
	}
	return p, recorded, nil
}

func (a *app) onePayment(ctx context.Context, c httpapi.Call[struct{}]) (Payment, error) {
	p, recorded, err := a.paymentOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return Payment{}, err
	}
	v := viewPayment(p)
	v.ReleasedAt, v.NewsAt = recorded[0].Meta.OccurredAt, recorded[len(recorded)-1].Meta.OccurredAt
	return v, nil
}

// PaymentStep is one fact of a payment's history.
type PaymentStep struct {
	history.Step

	Status string `json:"status" doc:"how the payment stood afterwards"`
	Cause  string `json:"cause"`
}

// PaymentHistory is everything that happened to a payment, oldest first.
type PaymentHistory struct {
	Items []PaymentStep `json:"items"`
}

func (a *app) paymentHistory(ctx context.Context, c httpapi.Call[struct{}]) (PaymentHistory, error) {
	_, recorded, err := a.paymentOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return PaymentHistory{}, err
	}
	h := PaymentHistory{Items: make([]PaymentStep, 0, len(recorded))}
	var p payment.Payment
	for _, r := range recorded {
		p = p.Evolve(r.Event)
		h.Items = append(h.Items, PaymentStep{Step: history.StepOf(r), Status: p.Status, Cause: r.Meta.Cause})
	}
	return h, nil
}

func (a *app) provePayment(ctx context.Context, c httpapi.Call[foundation.AskProof]) (witness.Receipt, error) {
	if _, _, err := a.paymentOf(ctx, c.Path("id"), c.Pass); err != nil {
		return witness.Receipt{}, err
	}
	return a.proof(ctx, payment.Stream(c.Path("id")), c.In.Version)
}

// changePayment runs a command on a payment that the caller may know of.
func changePayment[I any](ctx context.Context, a *app, c httpapi.Call[I], cmd payment.Command) (httpapi.Done[Payment], error) {
	if _, _, err := a.paymentOf(ctx, c.Path("id"), c.Pass); err != nil {
		return httpapi.Done[Payment]{}, err
	}
	out, err := eventstore.Execute(ctx, a.log, payment.Stream(c.Path("id")), cmd, c.Meta, eventstore.OncePerKey())
	if err != nil {
		return httpapi.Done[Payment]{}, fmt.Errorf("change payment: %w", err)
	}
	return httpapi.Done[Payment]{Answer: viewPayment(out.State), Position: out.Position, Replayed: out.Replayed}, nil
}
