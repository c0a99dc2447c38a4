package bankgateway_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vault"
)

// BenchmarkReleases measures payments from their release until the gateway has recorded that the bank has them, and then
// their last reports until they are recorded; all other services, brokers and the bank run on the same processors. Give a
// number: -benchtime 120000x.
func BenchmarkReleases(b *testing.B) {
	g := open(b)
	numbers := g.seal(b, b.N)
	var facts []eventstore.Append
	for n := range b.N {
		payment := released(fmt.Sprintf("e%025d", n), icb, numbers[n])
		payment.Payment, payment.Holder = fmt.Sprintf("p%025d", n), ref(n+1)
		facts = append(facts, eventstore.Append{Stream: "payment-" + payment.Payment, Facts: []events.Event{payment}})
	}
	const chunk = 1000
	b.ResetTimer()
	began := time.Now()
	for len(facts) > 0 {
		n := min(chunk, len(facts))
		if _, err := g.disbursement.Log.AppendAll(b.Context(), facts[:n]); err != nil {
			b.Fatal(err)
		}
		facts = facts[n:]
	}
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "released/s")
	g.reach(b, "bankgateway.instruction_sent.v1", b.N)
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "sent/s")
	began = time.Now()
	for from := 0; from < b.N; from += chunk {
		var reports []kafka.Message
		for n := from; n < min(from+chunk, b.N); n++ {
			e2e := fmt.Sprintf("e%025d", n)
			reports = append(reports, report(b, e2e, status(e2e, "ACCC")))
		}
		if err := g.banks[icb].writer.WriteMessages(b.Context(), reports...); err != nil {
			b.Fatal(err)
		}
	}
	g.reach(b, "bankgateway.payment_reported.v1", b.N)
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "reported/s")
	if lines := g.quarantined(b); len(lines) > 0 {
		b.Errorf("%d in quarantine, the first: %s", len(lines), lines[0])
	}
}

// reach waits until so many facts of a type are recorded.
func (g *gate) reach(b *testing.B, kind string, want int) {
	b.Helper()
	looks := time.NewTicker(100 * time.Millisecond) // counting everything all the time would be what is measured
	defer looks.Stop()
	testkit.Within(b, 10*time.Minute, func() error {
		<-looks.C
		var got int
		if err := g.Pool.QueryRow(b.Context(), `select count(*) from events where type = $1`, kind).Scan(&got); err != nil || got == want {
			return err
		}
		return fmt.Errorf("%d of %d", got, want)
	})
}

// seal puts account numbers into the gateway's vault, as reports of the bank would.
func (g *gate) seal(t testing.TB, count int) []string {
	t.Helper()
	keys, err := vault.LoadKeys(filepath.Join(g.Config.Data, "vault-bankgateway.key"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), g.Pool, keys, vault.Options{})
	if err != nil {
		t.Fatal(err)
	}
	refs, sealed, key := make([]string, count), make([][]byte, count), ""
	for n := range count {
		row, err := v.Seal("account_number", map[string]string{"number": fmt.Sprint(100_000_000 + n)}, vault.Index{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		refs[n], sealed[n], key = string(row.Ref), row.Ciphertext, row.Key
	}
	_, err = g.Pool.Exec(t.Context(), `insert into vault (ref, purpose, key, ciphertext)
select ref::uuid, 'account_number', $1, sealed from unnest($2::text[], $3::bytea[]) as rows (ref, sealed)`, key, refs, sealed)
	if err != nil {
		t.Fatal(err)
	}
	return refs
}
