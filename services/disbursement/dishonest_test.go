package disbursement_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/testkit"
)

// statement is the closing statement as the service answers with it.
type statement struct {
	Instructed, Credited, Rejected, Returned, Unknown, Cash, Carried, Difference int64
	InFlight                                                                     int64 `json:"in_flight"`
}

func (s statement) sum() int64 {
	return s.Credited + s.Rejected + s.Returned + s.InFlight + s.Unknown + s.Cash + s.Carried
}

// lies are reports about a payment in no order that makes sense, each perhaps twice, some set aside, some about nobody's payment.
func lies(dice *rand.Rand, p paid) (facts []events.Event) {
	for n := range 4 + dice.IntN(6) {
		status := []string{"ACTC", "ACSP", "PDNG", "ACSC", "ACCC", "RJCT", "RTND"}[dice.IntN(7)]
		r := bankgateway.Report{Status: status, BookedAt: noon}
		if status == "ACSC" || status == "ACCC" || status == "RTND" {
			r.BankReference = fmt.Sprint(p.EndToEndID, "/", dice.IntN(2))
		}
		if status == "RJCT" || status == "RTND" {
			r.Reason = []string{"AC04", "AM05", "TM01", "NARR"}[dice.IntN(4)]
		}
		about := p.instruction()
		switch {
		case n == 2:
			about.EndToEndID, about.Payment = fmt.Sprint("SA-STRAY-", p.ID, n), "nobodys"
			facts = append(facts, bankgateway.PaymentReported{Instruction: about, Report: r})
		case n == 3:
			about.EndToEndID, about.Attempt = fmt.Sprint("SA-STRAY-", p.ID, n), 98
			facts = append(facts, bankgateway.PaymentReported{Instruction: about, Report: r})
		case dice.IntN(5) == 0:
			facts = append(facts, bankgateway.ReportSetAside{Instruction: about, Report: r, Why: "contradictory"})
		default:
			said := bankgateway.PaymentReported{Instruction: about, Report: r}
			facts = append(facts, said, said)
		}
	}
	return facts
}

// A bank lies about a whole list. Whenever somebody looks, the statement adds up; in the end the logs hold, and what the bank said of
// nobody's payments waits for an operator.
func TestTheStatementOfAListAddsUpWhileABankLies(t *testing.T) {
	t.Parallel()
	const people = 24
	o, g, _ := everybody(t, people)
	list := o.released(t, people)
	dice := rand.New(rand.NewPCG(2026, 11)) //nolint:gosec // lies that can be told again
	add := func() (s statement) {
		t.Helper()
		answered := o.Get(t, "auditor", "/reconciliations/"+list, "")
		answered.Want(t, http.StatusOK)
		if answered.Into(t, &s); s.Difference != 0 || s.Instructed != people*amount || s.sum() != s.Instructed {
			t.Fatalf("the statement does not add up: %s", answered.Body)
		}
		return s
	}
	strays := 0
	for _, p := range o.payments(t, list) {
		g.tell(t, p, "sent")
		for _, fact := range lies(dice, p) {
			switch e := fact.(type) {
			case bankgateway.PaymentReported:
				if e.EndToEndID != p.EndToEndID { // in a stream of its own: an operator's case holds up what comes behind it
					strays++
					g.append(t, paid{EndToEndID: e.EndToEndID}, e)
					continue
				}
				g.append(t, p, e)
			case bankgateway.ReportSetAside:
				g.append(t, p, e)
			}
		}
		add()
	}
	testkit.Eventually(t, func() error {
		var waiting int
		err := o.Pool.QueryRow(t.Context(), `select count(*) from quarantine where stream like 'instruction-SA-STRAY-%'`).Scan(&waiting)
		return errorUnless(err == nil && waiting == strays, "%d of %d strays in quarantine (%v)", waiting, strays, err)
	})
	testkit.Eventually(t, func() error {
		s := add()
		return errorUnless(s.Credited > 0 && s.Rejected > 0 && s.Returned > 0, "the bank did not lie much: %+v", s)
	})
	o.audited(t, g)
}
