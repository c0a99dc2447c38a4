package disbursement

import (
	"context"
	"time"

	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// Reconciliation says where the money of a list is, in dong. Instructed is what the ledger posted when the payments were
// made; the others are how the payments stand. Their difference is 0, or something is very wrong.
type Reconciliation struct {
	Payroll    string `json:"payroll"`
	Instructed int64  `json:"instructed"`
	Credited   int64  `json:"credited"`
	Rejected   int64  `json:"rejected"`
	Returned   int64  `json:"returned" doc:"came back, or never left: with those of recalled and refunded"`
	Recalled   int64  `json:"recalled" doc:"of returned: taken back by an officer or by the end of a right, and waiting with the list for a decision"`
	Refunded   int64  `json:"refunded" doc:"of returned: given back to the treasury, because nobody is owed it any more"`
	InFlight   int64  `json:"in_flight" doc:"at a bank or on the way to one, without those that are unknown"`
	Unknown    int64  `json:"unknown"`
	Cash       int64  `json:"cash" doc:"handed over, or waiting to be collected"`
	Carried    int64  `json:"carried" doc:"taken over by the next list"`
	Difference int64  `json:"difference"`
	// Counts are the same figures in payments.
	Counts     ReconciliationCounts `json:"counts"`
	Exceptions []Exception          `json:"exceptions"`
	Truncated  bool                 `json:"truncated,omitzero" doc:"there are more exceptions than are listed"`
}

// ReconciliationCounts counts payments where [Reconciliation] sums them up.
type ReconciliationCounts struct {
	Instructed int64 `json:"instructed"`
	Credited   int64 `json:"credited"`
	Rejected   int64 `json:"rejected"`
	Returned   int64 `json:"returned"`
	Recalled   int64 `json:"recalled"`
	Refunded   int64 `json:"refunded"`
	InFlight   int64 `json:"in_flight"`
	Unknown    int64 `json:"unknown"`
	Cash       int64 `json:"cash"`
	Carried    int64 `json:"carried"`
	Difference int64 `json:"difference"`
}

// Exception is a payment that somebody has to look at, and why.
type Exception struct {
	Code       string    `json:"code" enum:"unknown,contradictory,reference_reused,deceased,duplicate,inquire_first,returned,rejected,recalled,recall_requested,not_sent"`
	Payment    string    `json:"payment"`
	EndToEndID string    `json:"end_to_end_id,omitzero"`
	Bank       string    `json:"bank,omitzero"`
	Status     string    `json:"status"`
	Reason     string    `json:"reason,omitzero"`
	Amount     int64     `json:"amount"`
	Inquiries  int       `json:"inquiries,omitzero"`
	Since      time.Time `json:"since"`
	Resend     bool      `json:"resend" doc:"whether it may be reissued"`
}

// exceptionLimit is the most exceptions one answer lists.
const exceptionLimit = 1_000

func (a *app) reconcile(ctx context.Context, c httpapi.Call[struct{}]) (Reconciliation, error) {
	list, found, err := projections.FindPaymentList(ctx, a.pool, c.Path("payroll"))
	if err != nil {
		return Reconciliation{}, err
	}
	if !found || !c.Pass.May(thing(list.Unit())) {
		return Reconciliation{}, payroll.ErrUnknown()
	}
	r := Reconciliation{Payroll: list.Payroll}
	books, err := projections.Reconcile(ctx, a.pool, projections.Reconciling{
		Payroll: list.Payroll, UnsentSince: c.Meta.At.Add(-a.config.Silence), Exceptions: exceptionLimit + 1,
	})
	if err != nil {
		return Reconciliation{}, err
	}
	r.Instructed, r.Counts.Instructed = books.Instructed.Amount, books.Instructed.Count
	for _, sum := range books.Sums {
		amount, count := r.bucket(sum.Status)
		*amount += sum.Amount
		*count += sum.Count
		switch sum.Status {
		case payment.Recalled:
			r.Recalled, r.Counts.Recalled = r.Recalled+sum.Amount, r.Counts.Recalled+sum.Count
		case payment.Refunded:
			r.Refunded, r.Counts.Refunded = r.Refunded+sum.Amount, r.Counts.Refunded+sum.Count
		}
	}
	r.Difference = r.Instructed - r.Credited - r.Rejected - r.Returned - r.InFlight - r.Unknown - r.Cash - r.Carried
	n := &r.Counts
	n.Difference = n.Instructed - n.Credited - n.Rejected - n.Returned - n.InFlight - n.Unknown - n.Cash - n.Carried
	r.Truncated = len(books.Exceptions) > exceptionLimit
	for _, e := range books.Exceptions[:min(len(books.Exceptions), exceptionLimit)] {
		r.Exceptions = append(r.Exceptions, viewException(e))
	}
	return r, nil
}

// bucket says where payments that stand so are summed up.
func (r *Reconciliation) bucket(status string) (amount, count *int64) {
	switch status {
	case payment.Credited:
		return &r.Credited, &r.Counts.Credited
	case payment.Rejected:
		return &r.Rejected, &r.Counts.Rejected
	case payment.Returned, payment.Recalled, payment.Refunded:
		return &r.Returned, &r.Counts.Returned
	case payment.Unknown:
		return &r.Unknown, &r.Counts.Unknown
	case payment.CashPending, payment.CashPaid:
		return &r.Cash, &r.Counts.Cash
	case payment.CarriedForward:
		return &r.Carried, &r.Counts.Carried
	default:
		return &r.InFlight, &r.Counts.InFlight
	}
}

func viewException(e projections.Exception) Exception {
	v := Exception{
		Code: exceptionCode(e), Payment: e.Payment.Payment, EndToEndID: e.EndToEndID, Bank: e.Bank, Status: e.Status, Reason: e.Reason,
		Amount: e.Amount, Inquiries: int(e.Inquiries), Since: e.NewsAt,
	}
	switch v.Code {
	case "returned", "rejected", "recalled":
		v.Resend = true
	case "inquire_first":
		v.Resend = e.Inquiries > 0
	}
	return v
}

// exceptionCode names what is most urgent about an exception.
func exceptionCode(e projections.Exception) string {
	switch {
	case len(e.Contested) > 0:
		return "contradictory"
	case e.Reused:
		return "reference_reused"
	case e.Status == payment.Unknown:
		return "unknown"
	case e.Status == payment.Released || e.Status == payment.Reissued:
		return "not_sent"
	case e.Outcome == "" || e.Outcome == payment.Credited:
		return "recall_requested"
	case e.Reason == payment.Deceased:
		return "deceased"
	case payment.Duplicate(e.Reason):
		return "duplicate"
	case payment.TimedOut(e.Reason):
		return "inquire_first"
	default:
		return e.Status
	}
}
