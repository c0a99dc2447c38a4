package disbursement

import "github.com/songan-vn/songan/events"

// PayrollFacts lists the published facts of a payroll's stream. Its lines are computed in chunks, which stay within
// the service.
func PayrollFacts() []events.Event {
	return []events.Event{
		PayrollDrafted{},
		PayrollComputed{},
		PayrollSubmitted{},
		PayrollChecked{},
		PayrollApproved{},
		PayrollRejected{},
		PayrollFunded{},
		LineRemoved{},
		PayrollReleased{},
		ReleaseCompleted{},
		PayrollClosed{},
	}
}

// PayrollDrafted says that an officer asks for the list of a unit, a programme and a month. After a rejection the
// same payroll is drafted again.
type PayrollDrafted struct {
	Payroll string `json:"payroll"`
	// Draft counts 1, 2, ...
	Draft     int         `json:"draft"`
	Unit      events.Unit `json:"unit"`
	Programme string      `json:"programme"`
	// Month is what the list is for, "2026-11".
	Month string `json:"month"`
	// AsOf is the day whose law and knowledge the lines are computed with.
	AsOf string `json:"as_of"`
	By   string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (PayrollDrafted) EventName() string { return "disbursement.payroll_drafted.v1" }

// PayrollComputed says that all lines of the draft are there.
type PayrollComputed struct {
	Payroll string `json:"payroll"`
	Draft   int    `json:"draft"`
	// Lines that are paid, by account and in cash, and lines that are held back because of a signal.
	Lines     int `json:"lines"`
	ByAccount int `json:"by_account"`
	InCash    int `json:"in_cash"`
	Held      int `json:"held"`
	// Total is the sum of the lines that are paid.
	Total int64 `json:"total"`
	// Hash is the SHA-256 over all lines in their order, in hexadecimal.
	Hash string `json:"hash"`
	// Rules names the version of the law that the lines were computed with.
	Rules string `json:"rules"`
	// Findings counts what an officer has to look at and that is no line: overpaid months, for instance.
	Findings int `json:"findings,omitempty"`
}

// EventName is the fact's name in the log and on the bus.
func (PayrollComputed) EventName() string { return "disbursement.payroll_computed.v1" }

// PayrollSubmitted says that the maker hands the list over.
type PayrollSubmitted struct {
	Payroll string `json:"payroll"`
	Hash    string `json:"hash"`
	By      string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (PayrollSubmitted) EventName() string { return "disbursement.payroll_submitted.v1" }

// PayrollChecked says that an accountant, who is not the maker, found the list right.
type PayrollChecked struct {
	Payroll string `json:"payroll"`
	Hash    string `json:"hash"`
	By      string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (PayrollChecked) EventName() string { return "disbursement.payroll_checked.v1" }

// PayrollApproved says that the approver, who is neither maker nor checker, decided. The lines are frozen.
type PayrollApproved struct {
	Payroll string `json:"payroll"`
	Hash    string `json:"hash"`
	Total   int64  `json:"total"`
	By      string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (PayrollApproved) EventName() string { return "disbursement.payroll_approved.v1" }

// PayrollRejected ends the draft. Another one may follow.
type PayrollRejected struct {
	Payroll string `json:"payroll"`
	Draft   int    `json:"draft"`
	// Note is the vault reference of the reason.
	Note string `json:"note"`
	By   string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (PayrollRejected) EventName() string { return "disbursement.payroll_rejected.v1" }

// PayrollFunded says that the State Treasury provided money for the list. It may come in parts.
type PayrollFunded struct {
	Payroll string `json:"payroll"`
	Amount  int64  `json:"amount"`
	// Reference names the order at the State Treasury.
	Reference string `json:"reference"`
	By        string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (PayrollFunded) EventName() string { return "disbursement.payroll_funded.v1" }

// LineRemoved says that a line of an approved list is not paid, because something happened after the approval: before the
// release, or after it and before the line was a payment.
type LineRemoved struct {
	Payroll string `json:"payroll"`
	// Line is the id of the payment that does not come to be.
	Line string `json:"line"`
	// Reason is died, death_reported, stopped, suspended, account_changed, account_shared or already_paid.
	Reason string `json:"reason"`
	Amount int64  `json:"amount"`
}

// EventName is the fact's name in the log and on the bus.
func (LineRemoved) EventName() string { return "disbursement.line_removed.v1" }

// PayrollReleased says that the frozen list is paid from now on. Its hash is that of the approval.
type PayrollReleased struct {
	Payroll string `json:"payroll"`
	Hash    string `json:"hash"`
	// Seen is the position of the log up to which it was looked for stops. What came after it is looked for before each
	// payment is made.
	Seen int64  `json:"seen"`
	By   string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (PayrollReleased) EventName() string { return "disbursement.payroll_released.v1" }

// ReleaseCompleted says that every line became a payment or was removed.
type ReleaseCompleted struct {
	Payroll string `json:"payroll"`
	// Payments and Total are what was released; Removed and RemovedTotal what was not. Both totals together are that of
	// the approval.
	Payments     int   `json:"payments"`
	Total        int64 `json:"total"`
	Removed      int   `json:"removed"`
	RemovedTotal int64 `json:"removed_total"`
}

// EventName is the fact's name in the log and on the bus.
func (ReleaseCompleted) EventName() string { return "disbursement.release_completed.v1" }

// PayrollClosed says that every payment came to an end, and that what was not paid goes to the next month.
type PayrollClosed struct {
	Payroll string `json:"payroll"`
	// CarriedForward counts the payments that the next month takes over, and Carried sums them up.
	CarriedForward int    `json:"carried_forward"`
	Carried        int64  `json:"carried"`
	By             string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (PayrollClosed) EventName() string { return "disbursement.payroll_closed.v1" }
