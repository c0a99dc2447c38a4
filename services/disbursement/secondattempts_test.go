package disbursement_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
)

// life is somebody whose November is on a released list, and what became of them and of the money, by what this test did.
type life struct {
	*office

	gateway  *gateway
	t        *testing.T
	draw     *rapid.T
	id       string
	right    string
	payment  paid
	died     string
	reported bool
	stopped  bool
	// suspended are the first months of suspensions, and of the resumptions that ended them; empty while one lasts.
	suspended []struct{ from, until string }
	met       map[string]int
}

// ended tells whether November is not covered by the right.
func (l *life) ended() bool {
	return l.stopped || slices.ContainsFunc(l.suspended, func(s struct{ from, until string }) bool {
		return s.from <= "2026-11" && (s.until == "" || s.until > "2026-11")
	})
}

// press sends something that an officer wants, each time as a new request.
func (l *life) press(who, path string, body object) servicetest.Answer {
	l.met["requests"]++
	return l.Post(l.t, who, path, fmt.Sprint("request-", l.met["requests"]), body)
}

// rights ends, suspends or resumes the right, which may be refused.
func (l *life) rights() {
	what := rapid.SampledFrom([]string{"suspension", "resumption", "resumption", "suspension", "stop"}).Draw(l.draw, "right")
	from := rapid.SampledFrom([]string{"2026-11", "2026-11", "2026-12"}).Draw(l.draw, "from")
	body := object{"from_month": from, "reason": "kiểm tra lại"}
	if what == "resumption" {
		delete(body, "reason")
	}
	if l.press("lisa", "/enrolments/"+l.right+"/"+what, body).Status != http.StatusOK {
		return
	}
	l.met[what]++
	switch last := len(l.suspended) - 1; what {
	case "stop":
		l.stopped = l.stopped || from == "2026-11"
	case "suspension":
		l.suspended = append(l.suspended, struct{ from, until string }{from: from})
	case "resumption":
		l.suspended[last].until = from
	}
}

// fate is what accounts says of the person, and waits until it is known here.
func (l *life) fate() {
	var fact events.Event
	switch what := rapid.IntRange(0, 3).Draw(l.draw, "fate"); {
	case l.died != "" && what != 1:
		fact = l.revoked()
	case what == 0:
		if l.met["lives"]%3 > 0 {
			return
		}
		l.died, l.reported = rapid.SampledFrom([]string{"2026-10-31", "2026-11-01"}).Draw(l.draw, "died on"), false
		fact = accounts.BeneficiaryDied{Beneficiary: l.id, DiedOn: l.died, Source: "family"}
	case what == 1:
		if l.died != "" || l.reported {
			return
		}
		l.reported = true
		fact = accounts.DeathReported{Beneficiary: l.id, Account: l.id + "-1", Bank: vietcombank, Of: "beneficiary"}
	default:
		if !l.reported {
			return
		}
		l.reported = false
		fact = accounts.DeathReportDismissed{Beneficiary: l.id, Note: "n", By: "mai"}
	}
	l.Clock.Advance(2 * time.Minute)
	l.people.tellAt(l.t, l.Clock.Now(), l.id, fact)
	l.Clock.Advance(2 * time.Minute)
	testkit.Eventually(l.t, func() error {
		var died string
		var reported bool
		err := l.Pool.QueryRow(l.t.Context(), `select died_on, death_reported from beneficiaries where beneficiary = $1`, l.id).Scan(&died, &reported)
		return errorUnless(err == nil && died == l.died && reported == l.reported, "died %q, reported %t (%v)", died, reported, err)
	})
}

// revoked takes the death back. What it stopped stays stopped, once that was heard of.
func (l *life) revoked() accounts.BeneficiaryDeathRevoked {
	from := map[string]string{"2026-10-31": "2026-11", "2026-11-01": "2026-12"}[l.died]
	testkit.Eventually(l.t, func() error {
		var stopped string
		err := l.Pool.QueryRow(l.t.Context(), `select stopped_from from enrolments where enrolment = $1`, l.right).Scan(&stopped)
		return errorUnless(err == nil && stopped != "" && stopped <= from, "stopped from %q instead of %s (%v)", stopped, from, err)
	})
	l.stopped, l.died = l.stopped || from == "2026-11", ""
	l.met["revoked"]++
	return accounts.BeneficiaryDeathRevoked{Beneficiary: l.id, Paper: "118/TP-HT", Note: "n", By: "hung"}
}

// bank has the gateway send what waits or keep what it is asked to, and the bank end what it has.
func (l *life) bank() {
	p := l.payment
	if p.Status != "released" && p.Status != "reissued" {
		return
	}
	if reason := l.takenBack(); reason != "" {
		l.gateway.append(l.t, p, bankgateway.InstructionWithdrawn{Instruction: p.instruction(), Reason: reason})
		l.payment = l.stands(l.t, p, "recalled")
		l.met["recalled"]++
		return
	}
	ends := []string{"rejected", "returned", "credited"}
	if p.Attempt == 1 {
		ends = ends[:2] // what is credited at once is done with
	}
	status := rapid.SampledFrom(ends).Draw(l.draw, "bank")
	switch reference := "FT-" + p.EndToEndID; status {
	case "rejected":
		l.gateway.tell(l.t, p, "sent", "RJCT AC04")
	case "returned":
		l.gateway.tell(l.t, p, "sent", "ACCC "+reference, "RTND AC04")
	default:
		l.gateway.tell(l.t, p, "sent", "ACCC "+reference)
	}
	l.payment = l.stands(l.t, p, status)
	l.met[fmt.Sprint(status, " attempt ", min(p.Attempt, 2))]++
}

// takenBack is why the gateway is asked to keep the present attempt, which it is when the right has ended; empty when it is not.
func (l *life) takenBack() (reason string) {
	testkit.Eventually(l.t, func() error {
		err := l.Pool.QueryRow(l.t.Context(), `select coalesce(min(data->>'reason'), '') from events
 where stream = $1 and type = 'disbursement.withdrawal_requested.v1' and data->>'attempt' = $2`, "payment-"+l.payment.ID, fmt.Sprint(l.payment.Attempt)).Scan(&reason)
		return errorUnless(err == nil && (reason != "" || !l.ended()), "the right has ended, and the payment goes on (%v)", err)
	})
	return reason
}

// officer makes the payment again, moves it to cash, or hands cash over.
func (l *life) officer() {
	what, who, body := "cash", "treasurer", object{}
	switch rapid.IntRange(0, 3).Draw(l.draw, "officer") {
	case 0:
		l.met["receipts"]++
		who, body = "cashier", object{"collected_on": "2026-11-21", "receipt": fmt.Sprint("PC-", l.met["receipts"])}
	case 1:
	default:
		what = "reissue"
	}
	answer := l.press(who, "/payments/"+l.payment.ID+"/"+what, body)
	_, handed := body["receipt"]
	l.judge(what, handed, answer)
	if answer.Status == http.StatusOK {
		answer.Into(l.t, &l.payment)
		l.met[l.payment.Status]++
	}
}

// judge wants what an officer asked for refused where nothing may be paid (I8, I10), and for that reason only there.
func (l *life) judge(what string, handed bool, answer servicetest.Answer) {
	dead := l.died != "" && (what == "reissue" || l.died < "2026-11")
	gone := l.ended() || (what == "reissue" || handed) && (dead || l.reported)
	if answer.Status == http.StatusOK {
		if gone {
			l.t.Fatalf("%s (handed over: %t) of %+v: right ended %t, died %q, reported %t", what, handed, l.payment, l.ended(), l.died, l.reported)
		}
		return
	}
	code := answer.Text(l.t, "code")
	l.met[code]++
	because := map[string]bool{"right_ended": l.ended() || dead, "beneficiary_deceased": dead, "death_reported": l.reported}
	if so, judged := because[code]; judged && !so {
		l.t.Fatalf("%s is refused with %s: right ended %t, died %q, reported %t", what, code, l.ended(), l.died, l.reported)
	}
}

// Whatever becomes of people whose money came back, waits in cash or was taken back, and whatever officers press: nothing is made again
// or handed over for a month after a death or while a bank's word of one waits (I8), nor without a right (I10), and nothing is refused
// for that to anybody else. In the end the audit, which goes by the logs alone, finds no fault.
func TestSecondAttemptsAndCashAreForTheLivingAndEntitled(t *testing.T) {
	t.Parallel()
	const people = 80
	o, rights, met := open(t), map[string]string{}, map[string]int{}
	g := newGateway(t, o)
	for i := range people {
		id, bank := fmt.Sprint("b", i), vietcombank
		if i%4 == 3 {
			bank = ""
		}
		o.someone(t, id, unit, bank)
		rights[id] = o.enrol(t, "lisa", decision(id, "social_assistance", "c5a", "2026-11-02"))
	}
	o.seen(t, `identity = 'matched' and (account = '' or state = 'open')`)
	first := o.payments(t, o.released(t, people))
	rapid.Check(t, func(r *rapid.T) {
		if met["lives"] == people {
			return
		}
		id := fmt.Sprint("b", met["lives"])
		met["lives"]++
		l := &life{office: o, gateway: g, t: t, draw: r, id: id, right: rights[id], payment: first[id], met: met}
		for range rapid.IntRange(12, 20).Draw(r, "steps") {
			switch rapid.IntRange(0, 6).Draw(r, "what") { // small numbers are drawn more often
			case 4:
				l.rights()
			case 5, 6:
				l.fate()
			case 1, 3:
				l.bank()
			default:
				l.officer()
			}
		}
	})
	t.Log(met)
	for _, what := range []string{
		"rejected attempt 1", "returned attempt 1", "reissued", "credited attempt 2", "cash_pending", "cash_paid", "recalled",
		"suspension", "resumption", "stop", "right_ended", "beneficiary_deceased", "death_reported", "revoked",
	} {
		if met[what] == 0 {
			t.Errorf("never %s", what)
		}
	}
	o.audited(t, g)
}
