package payment

import (
	"slices"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
)

const (
	// MostInquiries is how often a bank is asked about one attempt. After that it is for people to telephone.
	MostInquiries = 20
	// mostAsked is how often people may ask on top of that.
	mostAsked = 99
	// mostAttempts bounds the chain of a payment; and two digits keep the end-to-end id short.
	mostAttempts = 99
)

// Command decides about one payment.
type Command = decider.Command[Payment]

// Unless is a command that something outside of the payment forbids. What was done already is still answered as it was.
type Unless struct {
	// Refused is nil when nothing forbids it.
	Refused error
	Command Command
}

// Decide asks the command unless it is forbidden.
func (c Unless) Decide(p Payment, m decider.Meta) ([]events.Event, error) {
	if c.Refused != nil {
		return nil, c.Refused
	}
	return c.Command.Decide(p, m)
}

// ErrUnknown is the answer about a payment that does not exist, or that the caller may not know of.
func ErrUnknown() error {
	return problem.New(problem.NotFound, "payment_unknown", "there is no such payment", "không có khoản chi này")
}

// Duplicate tells whether a bank rejected because it had paid already, or thinks so.
func Duplicate(reason string) bool { return slices.Contains(Duplicates(), reason) }

// Duplicates are the reasons by which a bank says that.
func Duplicates() []string { return []string{"AM05", "DUPL", "DU01", "DU02", "DU03", "DU04", "DU05"} }

// TimedOut tells whether a bank rejected because something beyond it did not answer.
func TimedOut(reason string) bool { return slices.Contains([]string{"AB05", "AB06", "TM01"}, reason) }

// Deceased is the reason by which a bank says that the holder died.
const Deceased = "MD07"

// failed says why a payment cannot be tried again; nil when it can.
func (p Payment) failed() error {
	switch {
	case !p.Exists():
		return ErrUnknown()
	case p.Status != Rejected && p.Status != Returned && p.Status != Recalled:
		return problem.Reject("payment_not_failed",
			"only a rejected, returned or recalled payment is tried again", "chỉ khoản chi bị từ chối, hoàn trả hoặc thu hồi mới được chi lại")
	}
	return p.maybePaid()
}

// maybePaid says why the person may have the money of a failed payment all the same (rule 8).
func (p Payment) maybePaid() error {
	switch {
	case p.Contested():
		return problem.Reject("payment_contested",
			"the bank contradicts itself about this payment; recall it, or wait for its return",
			"ngân hàng báo mâu thuẫn về khoản chi này; hãy thu hồi hoặc chờ hoàn trả")
	case Duplicate(p.Current.Reason):
		return problem.Reject("payment_duplicate",
			"the bank says that this was paid already; it is never sent again", "ngân hàng báo khoản này đã được chi; không chuyển lại")
	}
	return nil
}

// inquired refuses what was rejected for a time-out before the bank has answered an inquiry.
func (p Payment) inquired() error {
	if TimedOut(p.Current.Reason) && p.Current.Inquiries == 0 {
		return problem.Reject("inquire_first",
			"the bank had a time-out; its answer to an inquiry is needed first", "ngân hàng hết thời gian chờ; cần tra soát trước")
	}
	return nil
}

// Reissue tries a failed payment again.
type Reissue struct {
	// Target is the account that the person has now. Its attempt and end-to-end id are decided here.
	Target disbursement.Target
	By     string
}

// Decide begins the next attempt.
func (c Reissue) Decide(p Payment, _ decider.Meta) ([]events.Event, error) {
	if err := p.failed(); err != nil {
		return nil, err
	}
	if err := p.inquired(); err != nil {
		return nil, err
	}
	switch {
	case c.Target.Account == "" || c.Target.Number == "" || c.Target.Bank == "":
		return nil, problem.Reject("no_account", "the person has no account that can receive money",
			"người hưởng chưa có tài khoản nhận được tiền")
	case p.Current.Attempt >= mostAttempts:
		return nil, problem.Reject("too_many_attempts", "this payment failed too often", "khoản chi thất bại quá nhiều lần")
	}
	target := c.Target
	target.Attempt = p.Current.Attempt + 1
	target.EndToEndID = EndToEndID(p.Payment, target.Attempt)
	return []events.Event{disbursement.PaymentReissued{Payable: p.Payable, Target: target, By: c.By}}, nil
}

// Cash moves a failed payment to cash, or says that cash was handed over. The two are done by two persons: alone, one could
// keep what a bank rejected.
type Cash struct {
	// CollectedOn and Receipt are both empty while nothing was handed over.
	CollectedOn, Receipt string
	// ReleasedOn is the day before which nothing can have been collected.
	ReleasedOn string
	By         string
}

// Decide asks for a day that is not in the future.
func (c Cash) Decide(p Payment, m decider.Meta) ([]events.Event, error) {
	if p.Status != CashPending {
		return c.move(p)
	}
	handedOver := c.CollectedOn != "" || c.Receipt != ""
	if err := p.maybePaid(); err != nil { // the bank may have contradicted itself since the payment moved to cash
		return nil, err
	}
	switch {
	case !handedOver:
		return nil, problem.Reject("cash_not_collected",
			"say when the money was collected, and the receipt", "cần ngày nhận tiền và số phiếu chi")
	case p.MovedBy != "" && p.MovedBy == c.By:
		return nil, problem.Reject("same_person", "whoever moved the payment to cash does not enter the receipt; another treasurer has to do this",
			"người chuyển sang chi tiền mặt không được ghi nhận phiếu chi; cần thủ quỹ khác thực hiện")
	}
	if err := c.check(m); err != nil {
		return nil, err
	}
	return []events.Event{disbursement.CashPaid{
		Payment: p.Payment, CollectedOn: c.CollectedOn, Receipt: c.Receipt, By: c.By,
	}}, nil
}

// move takes a failed payment to cash.
func (c Cash) move(p Payment) ([]events.Event, error) {
	if err := p.failed(); err != nil {
		return nil, err
	}
	if err := p.inquired(); err != nil {
		return nil, err
	}
	if c.CollectedOn != "" || c.Receipt != "" {
		return nil, problem.Reject("not_moved_to_cash", "this payment is not in cash; move it to cash first, without a receipt",
			"khoản này chưa chuyển sang tiền mặt; hãy chuyển trước, chưa ghi phiếu chi")
	}
	return []events.Event{disbursement.MovedToCash{Payment: p.Payment, By: c.By}}, nil
}

func (c Cash) check(m decider.Meta) error {
	var faults problem.Faults
	switch {
	case c.CollectedOn == "":
		faults.At("/collected_on", problem.Fault{
			Code: "collected_on_missing", Message: "say on which day the money was collected", MessageVI: "cần ghi ngày nhận tiền",
		})
	case c.CollectedOn < c.ReleasedOn:
		faults.At("/collected_on", problem.Fault{
			Code: "collected_before_release", Message: "nothing was released on that day yet", MessageVI: "ngày nhận tiền trước ngày phát hành chi trả",
		})
	case c.CollectedOn > vn.DateOf(m.At).String():
		faults.At("/collected_on", problem.Fault{
			Code: "collected_in_future", Message: "the day lies in the future", MessageVI: "ngày nhận tiền nằm trong tương lai",
		})
	}
	if c.Receipt == "" {
		faults.At("/receipt", problem.Fault{
			Code: "receipt_missing", Message: "give the number of the signed receipt", MessageVI: "cần số phiếu chi đã ký",
		})
	}
	return faults.Err()
}

// Recall asks the bank for the money back.
type Recall struct {
	// Reason is an ISO 20022 code.
	Reason string
	By     string
}

// Decide refuses where no bank can have the money, and a second recall of one attempt.
func (c Recall) Decide(p Payment, _ decider.Meta) ([]events.Event, error) {
	at, out := p.atBank()
	switch {
	case !p.Exists():
		return nil, ErrUnknown()
	case !out:
		return nil, problem.Reject("payment_not_at_bank",
			"no bank has this money", "khoản tiền này không ở ngân hàng")
	case at.Recall != "":
		return nil, problem.Reject("recall_requested", "the bank was asked already", "đã gửi yêu cầu thu hồi")
	}
	return []events.Event{disbursement.RecallRequested{
		Payment: p.Payment, Attempt: at.Attempt, EndToEndID: at.EndToEndID, Bank: at.Bank, Reason: c.Reason, By: c.By,
	}}, nil
}

// atBank returns the attempt whose money a bank has, or may have: the current one, or else one before it of which a bank says so.
func (p Payment) atBank() (at Attempt, out bool) {
	recallable := []string{Sent, Acknowledged, InFlight, Unknown, Credited}
	if p.Current.Attempt > 0 && (slices.Contains(recallable, p.Status) || p.Current.Contested) {
		return p.Current, true
	}
	for _, at := range slices.Backward(p.Earlier) {
		if at.Contested {
			return at, true
		}
	}
	return Attempt{}, false
}

// Inquire asks the bank because nothing was heard for too long.
type Inquire struct {
	// Facts is how many facts the payment had when the silence was noticed.
	Facts int
}

// Decide leaves a payment alone about which something was heard since, and one that was asked about often enough.
func (c Inquire) Decide(p Payment, _ decider.Meta) ([]events.Event, error) {
	silent := []string{Sent, Acknowledged, InFlight, Unknown}
	if p.Facts != c.Facts || !slices.Contains(silent, p.Status) || p.Current.Inquiries >= MostInquiries {
		return nil, nil
	}
	return []events.Event{p.inquiry()}, nil
}

// Ask asks the bank because an officer wants to know now, however often it was asked.
type Ask struct{}

// Decide asks about what a bank owes an answer about.
func (Ask) Decide(p Payment, _ decider.Meta) ([]events.Event, error) {
	switch {
	case !p.Exists():
		return nil, ErrUnknown()
	case !slices.Contains([]string{Sent, Acknowledged, InFlight, Unknown}, p.Status):
		return nil, problem.Reject("payment_not_open", "no bank owes an answer about this payment", "không có ngân hàng nào nợ trả lời về khoản chi này")
	case p.Current.Inquiries >= mostAsked:
		return nil, problem.Reject("too_many_inquiries", "the bank was asked too often", "đã tra soát quá nhiều lần")
	}
	return []events.Event{p.inquiry()}, nil
}

// inquiry is the next one.
func (p Payment) inquiry() disbursement.PaymentUnknown {
	return disbursement.PaymentUnknown{
		Payment: p.Payment, Attempt: p.Current.Attempt, EndToEndID: p.Current.EndToEndID, Bank: p.Current.Bank,
		Inquiry: p.Current.Inquiries + 1,
	}
}

// CarryForward hands an unpaid payment to the next month's list.
type CarryForward struct {
	// Late tells that its own list is closed already.
	Late bool
}

// Decide does it once, and never with money that the person may have (rule 8) or that an officer took back (rule 11).
func (c CarryForward) Decide(p Payment, _ decider.Meta) ([]events.Event, error) {
	switch {
	case p.Status == CarriedForward:
		return nil, nil
	case !p.Carries(), c.Late && !p.CarriesLate():
		return nil, problem.Reject("payment_not_unpaid",
			"this payment is not unpaid", "khoản này không thuộc diện chuyển kỳ sau")
	}
	return []events.Event{disbursement.PaymentCarriedForward{Payment: p.Payment, From: p.Status}}, nil
}

// Carries tells whether the payment goes to the next month when its list closes.
func (p Payment) Carries() bool {
	switch p.Status {
	case Rejected:
		return p.maybePaid() == nil && p.inquired() == nil
	case CashPending, Returned:
		return p.maybePaid() == nil && p.inquired() == nil && p.Current.Reason != Deceased
	default:
		return false
	}
}

// CarriesLate tells whether the payment goes to the next month although its list is closed: it was rejected, and its money does not
// lie with the list.
func (p Payment) CarriesLate() bool { return p.Status == Rejected && p.Carries() && !p.Back() }
