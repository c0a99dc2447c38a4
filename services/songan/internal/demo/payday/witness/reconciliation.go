package witness

import "github.com/songan-vn/songan/services/songan/internal/demo/payday/statement"

// Reconciliation is what is looked at in the statement that the API itself makes, in dong, with the payments as counts.
type Reconciliation struct {
	parts

	Counts parts `json:"counts"`
}

type parts struct {
	Instructed int64 `json:"instructed"`
	Credited   int64 `json:"credited"`
	Rejected   int64 `json:"rejected"`
	Returned   int64 `json:"returned"`
	InFlight   int64 `json:"in_flight"`
	Unknown    int64 `json:"unknown"`
	Cash       int64 `json:"cash"`
	Carried    int64 `json:"carried"`
}

// Sums are the statement's.
func (r Reconciliation) Sums() statement.Sums {
	sum := func(count, dong int64) statement.Sum { return statement.Sum{Payments: int(count), Dong: dong} }
	return statement.Sums{
		Instructed: sum(r.Counts.Instructed, r.Instructed), Credited: sum(r.Counts.Credited, r.Credited),
		Rejected: sum(r.Counts.Rejected, r.Rejected), Returned: sum(r.Counts.Returned, r.Returned),
		InFlight: sum(r.Counts.InFlight, r.InFlight), Unknown: sum(r.Counts.Unknown, r.Unknown),
		Cash: sum(r.Counts.Cash, r.Cash), Carried: sum(r.Counts.Carried, r.Carried),
	}
}
