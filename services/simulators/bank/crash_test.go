package bank_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/testkit"
)

// child starts the bank as a program of its own and returns its control address.
func (g *gateway) child(dir string) (*testkit.Process, string) {
	g.t.Helper()
	b := testkit.Kafka(g.t)
	p := testkit.Child(g.t, "bank", "BIC="+g.bic, "BROKERS="+strings.Join(b.Addrs, ","), "USER="+g.topics.User(),
		"PASSWORD="+g.password, "DIR="+dir, "CONTROL_ADDR=127.0.0.1:0", "SEED=7", `SCENARIO={"any_account":true}`)
	for {
		line := p.Line(soon)
		if _, after, found := strings.Cut(line, "ledger "); found {
			return p, strings.TrimSuffix(after, "/ledger")
		}
	}
}

// The bank is killed while it works on thousands of payments, some of which are instructed again, and started anew. In
// the end everybody was paid once, and every payment was reported as credited, once or more.
func TestABankThatIsKilledAgainAndAgainPaysEverybodyOnce(t *testing.T) {
	t.Parallel()
	const n, kills = 12_000, 4
	g, dir := newGateway(t), t.TempDir()
	var all []events.Event
	for i := range n {
		p := payment(fmt.Sprintf("e2e-%d", i), int64(1000+i))
		if all = append(all, p); i%5 == 0 {
			all = append(all, p)
		}
	}
	for part := range kills {
		process, control := g.child(dir)
		g.instruct(all[part*len(all)/kills : (part+1)*len(all)/kills]...)
		if part%2 == 0 {
			wait(t, control, 1) // it has written the first batch, and may or may not have reported it
		}
		process.Kill()
	}
	process, control := g.child(dir)
	testkit.Eventually(t, func() error { // thousands, on a machine that does other things as well
		reported := map[string]bool{}
		all, err := g.read()
		for _, m := range all {
			if strings.HasPrefix(word(m), "ACCC ") {
				reported[m.key] = true
			}
		}
		if len(reported) < n {
			return fmt.Errorf("%d of %d payments are reported as credited: %w", len(reported), n, err)
		}
		return nil
	})
	want := map[string]line{}
	for i := range n {
		id := fmt.Sprintf("e2e-%d", i)
		want[id] = line{EndToEndID: id, Amount: int64(1000 + i), Status: "ACCC", Instructed: 1}
		if l := want[id]; i%5 == 0 {
			l.Instructed = 2
			want[id] = l
		}
	}
	got, references := ledgerOf(t, control), map[string]bool{}
	for id, l := range got {
		references[l.Reference] = true
		l.Reference = ""
		got[id] = l
	}
	if diff := cmp.Diff(want, got); diff != "" || len(references) != n {
		t.Errorf("ledger with %d bookings (-want +got):\n%s", len(references), diff)
	}
	for _, m := range g.reports() {
		if text := word(m); text != "ACTC" && !strings.HasPrefix(text, "ACCC FT") {
			t.Errorf("%s was reported as %s", m.key, text)
		}
	}
	if err := process.Stop(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}

func TestTwoBanksCannotHaveOneLedger(t *testing.T) {
	t.Parallel()
	g, dir := newGateway(t), t.TempDir()
	first, control := g.child(dir)
	second := testkit.Child(t, "bank", "BIC="+g.bic, "BROKERS=127.0.0.1:1", "DIR="+dir, "CONTROL_ADDR=127.0.0.1:0")
	if err := second.Wait(soon); err == nil || !strings.Contains(second.Stderr(), "another process has it") {
		t.Errorf("the second bank ended with %v: %s", err, second.Stderr())
	}
	call(t, http.MethodGet, control+"/ledger", "", http.StatusOK)
	first.Kill()
}
