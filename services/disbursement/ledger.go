package disbursement

import (
	"context"
	"strconv"

	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// ListLedger narrows a list of the accounts of payrolls.
type ListLedger struct {
	httpapi.Paging[string]

	Payroll string `query:"payroll" maxLength:"64"`
	Unit    string `query:"unit" pattern:"^[0-9]{2,5}$"`
}

// LedgerAccounts are the accounts of one payroll, in dong. Budget is what the treasury provided and did not get back; it
// is the sum of the six that follow.
type LedgerAccounts struct {
	Payroll    string `json:"payroll"`
	Treasury   int64  `json:"treasury" doc:"below zero by what it provided"`
	Budget     int64  `json:"budget"`
	Available  int64  `json:"available"`
	Reserved   int64  `json:"reserved"`
	InFlight   int64  `json:"in_flight"`
	Credited   int64  `json:"credited"`
	Returned   int64  `json:"returned"`
	Cash       int64  `json:"cash"`
	Difference int64  `json:"difference" doc:"budget without the six; 0, or something is very wrong"`
}

func (a *app) ledgerAccounts(ctx context.Context, c httpapi.Call[ListLedger]) (httpapi.Page[LedgerAccounts], error) {
	filter := projections.EntryFilter{Scope: scope(c.Pass, c.In.Unit), Payroll: c.In.Payroll, Limit: c.In.More()}
	after := ""
	if c.In.Cursor.At != nil {
		after = *c.In.Cursor.At
	}
	rows, err := projections.ListBalances(ctx, a.pool, filter, after)
	if err != nil {
		return httpapi.Page[LedgerAccounts]{}, err
	}
	views := []LedgerAccounts{}
	for from := 0; from < len(rows); {
		payroll, balances := rows[from].Payroll, ledger.Balances{}
		for ; from < len(rows) && rows[from].Payroll == payroll; from++ {
			balances[ledger.Account(rows[from].Account)] = money.Amount(rows[from].Amount)
		}
		view, err := viewBalances(payroll, balances)
		if err != nil {
			return httpapi.Page[LedgerAccounts]{}, err
		}
		views = append(views, view)
	}
	views, next := httpapi.Cut(c.In.Paging, views, func(v LedgerAccounts) string { return v.Payroll })
	return httpapi.Page[LedgerAccounts]{Items: views, Next: next}, nil
}

func viewBalances(payroll string, b ledger.Balances) (LedgerAccounts, error) {
	held, err := b.Held()
	if err != nil {
		return LedgerAccounts{}, err
	}
	return LedgerAccounts{
		Payroll: payroll, Treasury: int64(b[ledger.Treasury]), Budget: int64(b.Budget()),
		Available: int64(b[ledger.Available]), Reserved: int64(b[ledger.Reserved]), InFlight: int64(b[ledger.InFlight]),
		Credited: int64(b[ledger.Credited]), Returned: int64(b[ledger.Returned]), Cash: int64(b[ledger.Cash]),
		Difference: int64(b.Budget() - held),
	}, nil
}

// ListPostings narrows a list of postings.
type ListPostings struct {
	httpapi.Paging[int64]

	Payroll string `query:"payroll" maxLength:"64"`
	Account string `query:"account" enum:"treasury,available,reserved,in_flight,credited,returned,cash"`
	Unit    string `query:"unit" pattern:"^[0-9]{2,5}$"`
}

func (a *app) ledgerEntries(ctx context.Context, c httpapi.Call[ListPostings]) (httpapi.Page[projections.Entry], error) {
	filter := projections.EntryFilter{
		Scope: scope(c.Pass, c.In.Unit), Payroll: c.In.Payroll, Account: c.In.Account, Limit: c.In.More(),
	}
	if c.In.Cursor.At != nil {
		filter.After = *c.In.Cursor.At
	}
	entries, err := projections.ListEntries(ctx, a.pool, filter)
	if err != nil {
		return httpapi.Page[projections.Entry]{}, err
	}
	entries, next := httpapi.Cut(c.In.Paging, entries, func(e projections.Entry) int64 { return e.Position })
	return httpapi.Page[projections.Entry]{Items: entries, Next: next}, nil
}

// CountCashless says which payments are counted.
type CountCashless struct {
	Unit      string `query:"unit" pattern:"^[0-9]{2,5}$" doc:"a commune, or a province with its communes"`
	Month     string `query:"month" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" doc:"month of the lists"`
	Programme string `query:"programme" maxLength:"64"`
	Bank      string `query:"bank" pattern:"^[A-Z0-9]{8,11}$"`
}

// Cashless is how much of what was paid went through accounts. Only a credit, or a signed receipt, is a payment.
type Cashless struct {
	PaidByAccount projections.Sum `json:"paid_by_account"`
	PaidInCash    projections.Sum `json:"paid_in_cash"`
	// Share is that of the payments made through accounts among all payments made.
	Share string `json:"share" doc:"of the payments, with four decimals: 0.5960" example:"0.5960"`
	// CashPending waits to be collected, and is paid in no way yet.
	CashPending projections.Sum            `json:"cash_pending"`
	Reasons     map[string]projections.Sum `json:"reasons" doc:"why not by account"`
}

func (a *app) cashless(ctx context.Context, c httpapi.Call[CountCashless]) (Cashless, error) {
	counted, err := projections.CountCashless(ctx, a.pool, projections.CashlessFilter{
		Scope: scope(c.Pass, c.In.Unit), Month: c.In.Month, Programme: c.In.Programme, Bank: c.In.Bank,
	})
	if err != nil {
		return Cashless{}, err
	}
	return Cashless{
		PaidByAccount: counted.ByAccount, PaidInCash: counted.InCash, CashPending: counted.Pending, Reasons: counted.Reasons,
		Share: share(counted.ByAccount.Count, counted.ByAccount.Count+counted.InCash.Count),
	}, nil
}

// share writes a part of a whole with four decimals, rounded half up; 0.0000 of nothing.
func share(part, whole int64) string {
	const ten4 = 10_000
	if whole == 0 {
		return "0.0000"
	}
	n := (part*ten4*2 + whole) / (whole * 2)
	text := strconv.FormatInt(n%ten4+ten4, 10)
	return strconv.FormatInt(n/ten4, 10) + "." + text[1:]
}
