package instruction

import (
	"regexp"
	"slices"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
)

// The statuses that decide something, as ISO 20022 calls them. Returned is ours, for camt's RtrInf.
const (
	Debited  = "ACSC"
	Credited = "ACCC"
	Rejected = "RJCT"
	Blocked  = "BLCK"
	Returned = "RTND"
)

// Deceased is ISO 20022's reason for a holder who died.
const Deceased = "MD07"

// Why a report is set aside.
const (
	Late          = "late"
	Backward      = "backward"
	Early         = "early"
	Contradictory = "contradictory"
)

// final is the rank of the last word; RTND may still follow a credit.
const final = 6

// rank says how far a payment is; 0 for a status that nobody knows.
func rank(status string) int {
	switch status {
	case "RCVD":
		return 1
	case "ACTC":
		return 2
	case "ACCP":
		return 3
	case "ACSP", "PDNG", Blocked:
		return 4
	case Debited:
		return 5
	case Credited, Rejected:
		return final
	case Returned:
		return final + 1
	}
	return 0
}

// Hear takes note of a report. Bank is whose topic it came on.
type Hear struct {
	Bank   string
	Report bank.PaymentStatusReported
}

// Decide refuses nonsense, forgets repetitions, reports what goes forward and sets everything else aside.
func (c Hear) Decide(s Instruction, _ decider.Meta) ([]events.Event, error) {
	if err := c.check(s); err != nil {
		return nil, err
	}
	r := bankgateway.Report{
		Status: c.Report.Status, Reason: c.Report.Reason, BankReference: c.Report.BankReference, BookedAt: c.Report.BookedAt,
		Answers: c.Report.Inquiry,
	}
	if s.heard(r) && !s.answers(r) {
		return nil, nil
	}
	if why := s.aside(r); why != "" {
		return s.deceased(r, bankgateway.ReportSetAside{Instruction: s.Instruction, Report: r, Why: why}), nil
	}
	facts := s.deceased(r, bankgateway.PaymentReported{Instruction: s.Instruction, Report: r})
	if early, waits := s.early(); waits && (r.Status == Debited || r.Status == Credited) {
		facts = append(facts, bankgateway.PaymentReported{Instruction: s.Instruction, Report: early})
	}
	return facts, nil
}

// deceased says on that the holder died, if a rejection or a return says so for the first time: by those the bank keeps the money
// out of the account. Without an account nobody could tell whose case it is; the payment itself shows the reason.
func (s Instruction) deceased(r bankgateway.Report, said events.Event) []events.Event {
	final := r.Status == Rejected || r.Status == Returned
	if !final || r.Reason != Deceased || s.Deceased || s.Account == "" {
		return []events.Event{said}
	}
	return []events.Event{said, bankgateway.DeathReported{Instruction: s.Instruction, Account: s.Account}}
}

// answers tells whether a repetition says that the instruction stands where it stood when the bank was asked.
func (s Instruction) answers(r bankgateway.Report) bool {
	return s.Asked && r.Status == s.Status && rank(r.Status) < final
}

// doubtful tells whether the bank rejected because something beyond it did not answer, and was not asked: it cannot know.
func doubtful(r bankgateway.Report) bool {
	return r.Status == Rejected && r.Answers == 0 && slices.Contains([]string{"AB05", "AB06", "TM01"}, r.Reason)
}

// aside says why a report does not count; empty if it does.
func (s Instruction) aside(r bankgateway.Report) string {
	at, is := rank(s.Status), rank(r.Status)
	switch {
	case r.Status == Returned && (s.Status == Debited || s.Status == Credited):
		return ""
	case r.Status == Returned && at < final:
		return Early
	case s.Status == Returned && r.Status == Credited && !s.credited():
		return Late // the credit that the return undid, heard of after it
	case r.Status == Rejected && (s.Status == Rejected || at >= final && doubtful(r)):
		return Late // rejected for another reason is still rejected; and who does not know contradicts nothing
	case at >= final && is >= final:
		return Contradictory
	case at >= final:
		return Late
	case is < at:
		return Backward
	}
	return ""
}

// credited tells whether the bank said which booking credited the account.
func (s Instruction) credited() bool {
	for _, h := range s.Heard {
		if h.Status == Credited {
			return true
		}
	}
	return false
}

// early returns the money that came back before its credit was heard of.
func (s Instruction) early() (bankgateway.Report, bool) {
	for _, h := range s.Heard {
		if h.Status == Returned {
			return h, true
		}
	}
	return bankgateway.Report{}, false
}

// bookingName is what a bank may call a booking. It is published, so it must not be a sentence.
var bookingName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z/+.:_-]{0,34}$`)

// check refuses what cannot be about this instruction.
func (c Hear) check(s Instruction) error {
	booked := c.Report.Status == Debited || c.Report.Status == Credited || c.Report.Status == Returned
	reasoned := c.Report.Status == Rejected || c.Report.Status == Blocked || c.Report.Status == Returned
	switch {
	case rank(c.Report.Status) == 0:
		return problem.Reject("status_unknown", "the status is no code of ISO 20022 that is in use here", "mã trạng thái không hợp lệ")
	case s.Withdrawn != "":
		return problem.Reject("instruction_withdrawn", "this was withdrawn before any bank was told", "lệnh này đã được rút trước khi gửi ngân hàng")
	case !s.Sent:
		return Unknown()
	case c.Report.Inquiry < 0 || c.Report.Inquiry > s.Inquiry:
		return InquiryUnknown()
	case s.Bank != c.Bank:
		return problem.Reject("instruction_of_other_bank", "another bank was instructed", "lệnh này gửi cho ngân hàng khác")
	case c.Report.Reason != "" && !reasonKnown(c.Report.Reason), reasoned && c.Report.Reason == "":
		return problem.Reject("reason_unknown", "the reason is missing, or no external code of ISO 20022 that is in use here", "mã lý do thiếu hoặc không hợp lệ")
	case booked && !bookingName.MatchString(c.Report.BankReference), c.Report.BankReference != "" && !bookingName.MatchString(c.Report.BankReference):
		return problem.Reject("bank_reference_missing", "the reference of the booking is missing or is not one", "thiếu số tham chiếu của ngân hàng")
	case booked && c.Report.Status != Debited && c.Report.BookedAt.IsZero():
		return problem.Reject("booked_at_missing", "the time of the booking is missing", "thiếu thời điểm hạch toán")
	case !c.Report.BookedAt.IsZero() && !bookable(c.Report.BookedAt):
		return problem.Reject("booked_at_malformed", "the time of the booking lies in no year of ours", "thời điểm hạch toán không hợp lệ")
	case booked && c.Report.Amount != s.Amount, c.Report.Amount != 0 && c.Report.Amount != s.Amount:
		return problem.Reject("amount_differs", "the amount is not the one that was instructed", "số tiền khác với lệnh thanh toán")
	}
	return nil
}

// bookable tells whether something may have been booked at a time. What lies beyond the years of four digits in any zone
// could be read from JSON, and never be written to it again.
func bookable(at time.Time) bool {
	const first, last = 2000, 2999
	year := at.UTC().Year()
	return first <= year && year <= last
}

// Unknown refuses a report about an instruction that was never sent.
func Unknown() error {
	return problem.Reject("instruction_unknown", "nothing was instructed under this id", "không có lệnh nào mang mã này")
}

// InquiryUnknown refuses the answer to a question that was not put.
func InquiryUnknown() error {
	return problem.Reject("inquiry_unknown", "nothing was asked by an inquiry of this number", "không có lần tra soát mang số này")
}
