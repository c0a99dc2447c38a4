package disbursement_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/disbursement/audit"
)

// gateway is the bank gateway as the others hear it: its log and its topic are real, what banks say is made up.
type gateway struct {
	base     *foundation.Foundation
	mu       sync.Mutex
	versions map[string]int
}

func newGateway(t testing.TB, o *office) *gateway {
	t.Helper()
	return &gateway{versions: map[string]int{}, base: o.Neighbour(t, "bankgateway", bankgateway.Catalog())}
}

// paid is a payment as the list shows it.
type paid struct {
	ID, Payroll, Status, Beneficiary, Method, Reason string
	EndToEndID                                       string `json:"end_to_end_id"`
	UETR                                             string
	Attempt                                          int
	Bank, Account                                    string
	Amount                                           int64
	Contested                                        bool
	Inquiries                                        int
}

func (p paid) instruction() bankgateway.Instruction {
	return bankgateway.Instruction{EndToEndID: p.EndToEndID, Payment: p.ID, Attempt: p.Attempt, Bank: p.Bank}
}

// tell appends facts about an instruction to the gateway's log. They are "sent", or a report such as "ACCC FT1" or
// "RJCT AC04"; "late ACSP" is one that was set aside.
func (g *gateway) tell(t testing.TB, p paid, said ...string) {
	t.Helper()
	facts := make([]events.Event, 0, len(said))
	for _, text := range said {
		facts = append(facts, factOf(p, text))
	}
	g.append(t, p, facts...)
}

// append records facts about an instruction.
func (g *gateway) append(t testing.TB, p paid, facts ...events.Event) {
	t.Helper()
	stream := "instruction-" + p.EndToEndID
	g.mu.Lock()
	defer g.mu.Unlock()
	_, err := g.base.Log.Append(t.Context(), eventstore.Append{
		Stream: stream, Expected: g.versions[stream], Facts: facts, Meta: events.Meta{OccurredAt: noon},
	})
	if err != nil {
		t.Fatal(err)
	}
	g.versions[stream] += len(facts)
}

func factOf(p paid, text string) events.Event {
	i := p.instruction()
	switch why, rest, _ := strings.Cut(text, " "); why {
	case "sent":
		return bankgateway.InstructionSent{Instruction: i, Amount: p.Amount}
	case "late", "backward", "contradictory", "early":
		return bankgateway.ReportSetAside{Instruction: i, Report: reportOf(rest), Why: why}
	}
	return bankgateway.PaymentReported{Instruction: i, Report: reportOf(text)}
}

func reportOf(text string) bankgateway.Report {
	status, detail, _ := strings.Cut(text, " ")
	r := bankgateway.Report{Status: status}
	switch status {
	case "RJCT", "BLCK":
		r.Reason = detail
	case "RTND":
		r.Reason, r.BankReference, r.BookedAt = detail, "FTBACK", noon
	default:
		r.BankReference = detail
		if detail != "" {
			r.BookedAt = noon
		}
	}
	return r
}

// payments lists the payments of a list, by beneficiary.
func (o *office) payments(t testing.TB, id string) map[string]paid {
	t.Helper()
	found := map[string]paid{}
	var page struct {
		Items []paid
		Next  string
	}
	listed := o.Get(t, "treasurer", "/payments?limit=200&payroll="+id, "")
	listed.Want(t, http.StatusOK)
	listed.Into(t, &page)
	for _, p := range page.Items {
		found[p.Beneficiary] = p
	}
	return found
}

// becomes waits until somebody's payment stands like this, and returns it.
func (o *office) becomes(t testing.TB, list, beneficiary, status string) (p paid) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if p = o.payments(t, list)[beneficiary]; p.Status != status {
			return fmt.Errorf("the payment of %s is %q instead of %q", beneficiary, p.Status, status)
		}
		return nil
	})
	return p
}

// released drafts a list of everybody and takes it to its release, until all payments are there.
func (o *office) released(t testing.TB, payments int) (id string) {
	t.Helper()
	id = o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	o.approved(t, id, "")
	o.funded(t, id, "")
	o.step(t, "treasurer", id, "release", object{}).Want(t, http.StatusOK)
	testkit.Eventually(t, func() error {
		var n int
		err := o.Pool.QueryRow(t.Context(), `select count(*) from payments join payment_lists using (payroll) where payroll = $1 and completed`, id).Scan(&n)
		if err != nil || n != payments {
			return fmt.Errorf("%d of %d payments are there (%w)", n, payments, err)
		}
		return nil
	})
	return id
}

// audited fails unless all invariants hold in the three logs.
func (o *office) audited(t testing.TB, g *gateway) {
	t.Helper()
	report, err := audit.Run(t.Context(), audit.Sources{Accounts: o.people.base.Pool, Disbursement: o.Pool, Gateway: poolOf(g)})
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() {
		var b strings.Builder
		_, _ = report.WriteTo(&b)
		t.Fatalf("the audit fails:\n%s", b.String())
	}
}

func poolOf(g *gateway) *pgxpool.Pool { return g.base.Pool }
