package projections

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/testkit"
)

// bookedPayments is how long the benchmark's list is, and bookedBatch how many facts are written at a time.
const bookedPayments, bookedBatch = 20_000, 1_000

// BenchmarkBooks measures how long the read model takes for a payment of a list: released, then told of in two batches.
func BenchmarkBooks(b *testing.B) {
	pool := testkit.Postgres(b)
	if _, err := pool.Exec(b.Context(), paymentsDDL); err != nil {
		b.Fatal(err)
	}
	for n := range b.N {
		payroll := fmt.Sprintf("list-%d", n)
		began, position := time.Now(), int64(n)*bookedPayments*10
		for _, step := range []struct {
			name  string
			facts []events.Event
		}{
			{"drafted", []events.Event{disbursement.PayrollDrafted{Payroll: payroll, Month: "2026-11"}}},
			{"released", perPayment(payroll, func(id string, n int) []events.Event { return released(payroll, id, n) })},
			{"sent", perPayment(payroll, func(id string, _ int) []events.Event {
				return []events.Event{disbursement.PaymentSent{Payment: id, Attempt: 1}, disbursement.PaymentInFlight{Payment: id, Attempt: 1, Status: "ACSP"}}
			})},
			{"credited", perPayment(payroll, func(id string, n int) []events.Event {
				return []events.Event{disbursement.PaymentCredited{Payment: id, Attempt: 1, BankReference: fmt.Sprintf("FT%s%06d", payroll, n), BookedAt: began}}
			})},
		} {
			from := time.Now()
			position = bookAll(b, pool, position, step.facts)
			b.ReportMetric(float64(time.Since(from).Microseconds())/bookedPayments, "µs/"+step.name)
		}
	}
}

func released(payroll, id string, n int) []events.Event {
	return []events.Event{disbursement.PaymentReleased{
		Payable: disbursement.Payable{
			Payment: id, Payroll: payroll, Unit: events.Unit{Code: fmt.Sprintf("%05d", n%80), ValidFrom: "2025-07-01"}, Programme: "social_pension",
			Beneficiary: "b" + id[1:], Mark: "m" + id[1:], Month: "2026-11", Kind: "regular", Amount: 540_000,
		},
		Target: disbursement.Target{EndToEndID: "SA-" + id + "-1", Attempt: 1, Bank: "BFTVVNVX", Account: "a" + id},
	}}
}

func perPayment(payroll string, facts func(id string, n int) []events.Event) (all []events.Event) {
	for n := range bookedPayments {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", payroll, n))
		all = append(all, facts("p"+hex.EncodeToString(sum[:13]), n)...)
	}
	return all
}

// bookAll writes facts in batches.
func bookAll(b *testing.B, pool *pgxpool.Pool, position int64, facts []events.Event) int64 {
	b.Helper()
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for chunk := range slices.Chunk(facts, bookedBatch) {
		batch := make([]events.Recorded, len(chunk))
		for i, e := range chunk {
			position++
			batch[i] = events.Recorded{Position: position, Event: e, Meta: events.Meta{OccurredAt: at}}
		}
		book(b, pool, batch)
	}
	return position
}
