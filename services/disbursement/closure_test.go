package disbursement_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/stops"
)

// record puts a fact into the service's log, as another of its processes would.
func (o *office) record(t *testing.T, stream string, fact events.Event) {
	t.Helper()
	log := o.log(t)
	defer log.Close()
	history, err := log.Load(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	_, err = log.Append(t.Context(), eventstore.Append{
		Stream: stream, Expected: len(history), Facts: []events.Event{fact}, Meta: events.Meta{OccurredAt: noon, Actor: "tam"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// again is the next attempt of a payment, as its stream would have it.
func (o *office) again(t *testing.T, p paid) (disbursement.PaymentReissued, paid) {
	t.Helper()
	log := o.log(t)
	defer log.Close()
	was, err := eventstore.State[payment.Payment](t.Context(), log, payment.Stream(p.ID))
	if err != nil {
		t.Fatal(err)
	}
	next := was.Current.Target
	next.Attempt++
	next.EndToEndID = payment.EndToEndID(p.ID, next.Attempt)
	p.Attempt, p.EndToEndID = next.Attempt, next.EndToEndID
	return disbursement.PaymentReissued{Payable: was.Payable, Target: next, By: "tam"}, p
}

// inside keeps others from beginning payments, as whoever begins one does, until leave is called.
func (o *office) inside(t *testing.T) (leave func()) {
	t.Helper()
	in, out, left := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		left <- stops.New(o.Pool).Pay(t.Context(), func(context.Context) error {
			close(in)
			<-out
			return nil
		})
	}()
	<-in
	return func() {
		close(out)
		if err := <-left; err != nil {
			t.Fatal(err)
		}
	}
}

// closing has a treasurer close a list, until that waits at the gate.
func (o *office) closing(t *testing.T, list string) (answered chan servicetest.Answer) {
	t.Helper()
	answered = make(chan servicetest.Answer, 1)
	go func() { answered <- o.step(t, "treasurer", list, "closure", object{}) }()
	testkit.Eventually(t, func() error {
		var waits int
		err := o.Pool.QueryRow(t.Context(), `select count(*) from pg_locks where locktype = 'advisory' and not granted
 and database = (select oid from pg_database where datname = current_database()) and (classid::bigint << 32 | objid::bigint) = hashtextextended(current_schema() || '/stops', 0)`).Scan(&waits)
		return errorUnless(err == nil && waits > 0, "nobody waits at the gate (%v)", err)
	})
	return answered
}

// A treasurer makes a payment again while another one closes its list: the closure sees it on its way, and waits for its end.
func TestAListIsNotClosedOverAPaymentThatBeginsMeanwhile(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 2)
	list := o.released(t, 2)
	first := o.payments(t, list)
	g.tell(t, first["b0"], "sent", "ACCC FT0")
	g.tell(t, first["b1"], "sent", "ACCC FT1")
	o.becomes(t, list, "b0", "credited")
	o.becomes(t, list, "b1", "credited")
	o.change(t, first["b0"], "recall", object{"reason": "CUST"}, "credited")
	g.tell(t, first["b0"], "RTND CUST")
	reissued, second := o.again(t, o.becomes(t, list, "b0", "recalled"))

	leave := o.inside(t)
	answered := o.closing(t, list)
	o.record(t, payment.Stream(second.ID), reissued)
	leave()
	if refused := <-answered; refused.Text(t, "code") != "payments_open" {
		t.Fatalf("answered %d: %s", refused.Status, refused.Body)
	}
	g.tell(t, second, "sent", "RJCT AC04")
	o.stands(t, second, "rejected")
	if diff := cmp.Diff(closure{CarriedForward: 1, Carried: amount}, o.closed(t, list)); diff != "" {
		t.Fatal(diff)
	}
	o.audited(t, g)
}

// While a treasurer waits to close a list, another one wants to as well: only one may carry forward what the closure counts. And the read
// model of payments stands still, while a payment of another list is made again: who is inside keeps everybody from paying and stopping,
// and does not wait for it.
func TestAListIsClosedByOneAndWithoutAReadModel(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 2)
	november := o.released(t, 2)
	for id, p := range o.payments(t, november) {
		g.tell(t, p, "sent", "RJCT AC04")
		o.becomes(t, november, id, "rejected")
	}
	foreign, _ := o.again(t, o.payments(t, november)["b0"])
	foreign.Payment, foreign.Payroll = "foreign", "elsewhere"

	leave := o.inside(t)
	answered := o.closing(t, november)
	if late := o.Post(t, "cashier", "/payrolls/"+november+"/closure", "another", object{}); late.Status != http.StatusConflict || late.Text(t, "code") != "payroll_closing" {
		t.Errorf("another one: %d %s", late.Status, late.Body)
	}
	still, err := o.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = still.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := still.Exec(t.Context(), `lock table payments_v1 in exclusive mode`); err != nil {
		t.Fatal(err)
	}
	o.record(t, payment.Stream(foreign.Payment), disbursement.PaymentReleased{Payable: foreign.Payable, Target: disbursement.Target{Attempt: 1}})
	o.record(t, payment.Stream(foreign.Payment), foreign)
	leave()
	closed := <-answered
	if err := still.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	closed.Want(t, http.StatusOK)
	var sum closure
	if closed.Into(t, &sum); sum != (closure{CarriedForward: 2, Carried: 2 * amount}) {
		t.Errorf("carried %+v", sum)
	}
	o.Post(t, "cashier", "/payrolls/"+november+"/closure", "again", object{}).Want(t, http.StatusOK)
	testkit.Eventually(t, func() error {
		var shown bool
		err := o.Pool.QueryRow(t.Context(), `select closed from payment_lists where payroll = $1`, november).Scan(&shown)
		return errorUnless(err == nil && shown, "it is not shown as closed (%v)", err)
	})
	o.wantLedger(t, november, map[string]int64{
		"budget": 0, "available": 0, "reserved": 0, "in_flight": 0, "credited": 0, "returned": 0, "cash": 0, "treasury": 0, "difference": 0,
	})
}

// If a list was closed over a payment all the same, what becomes of it reaches the next list.
func TestWhatIsRejectedInAClosedListIsPaidByTheNext(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 2)
	list := o.released(t, 2)
	first := o.payments(t, list)
	g.tell(t, first["b0"], "sent", "RJCT AC04")
	second := o.reissue(t, o.becomes(t, list, "b0", "rejected"))
	g.tell(t, first["b1"], "sent", "RJCT AC04")
	o.becomes(t, list, "b1", "rejected")
	o.record(t, "payroll-"+list, disbursement.PayrollClosed{Payroll: list, By: "tam"})
	g.tell(t, second, "sent", "RJCT AC04")
	o.stands(t, second, "carried_forward")

	// b1 was settled just before the process died that closed the list: the next call goes on.
	o.becomes(t, list, "b1", "rejected")
	o.step(t, "treasurer", list, "closure", object{}).Want(t, http.StatusOK)
	o.becomes(t, list, "b1", "carried_forward")
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december, "b0 2026-11 carried_forward 810000 account", "b0 2026-12 regular 810000 account",
		"b1 2026-11 carried_forward 810000 account", "b1 2026-12 regular 810000 account")
	o.wantLedger(t, list, map[string]int64{
		"budget": 0, "available": 0, "reserved": 0, "in_flight": 0, "credited": 0, "returned": 0, "cash": 0, "treasury": 0, "difference": 0,
	})
	o.audited(t, g)
}
