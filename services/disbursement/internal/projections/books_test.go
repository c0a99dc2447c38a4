package projections

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/testkit"
)

// A batch writes as much of a row as it changed. What all facts come to in one batch, which inserts whole rows, they come to in any.
func TestTheBooksAreTheSameInWhateverBatches(t *testing.T) {
	t.Parallel()
	facts := muddle(60)
	whole := booked(t, facts, len(facts))
	for _, size := range []int{1, 7, 100} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(whole, booked(t, facts, size)); diff != "" {
				t.Errorf("(-in one batch +in batches of %d):\n%s", size, diff)
			}
		})
	}
}

// muddle is what happens to payments, in any order, most of it impossible: the books show it all the same. Each kind of fact is
// also the first and only one of some payment, so that no other writes what it changed.
func muddle(payments int) (facts []events.Recorded) {
	dice := rand.New(rand.NewPCG(7, 11)) //nolint:gosec // the same in every run
	all := []events.Event{disbursement.PayrollDrafted{Payroll: "november", Month: "2026-11"}, disbursement.PayrollFunded{Payroll: "november", Amount: 1_000}}
	var ids []string
	for n := range payments {
		ids = append(ids, fmt.Sprintf("p%d", n))
		all = append(all, disbursement.PaymentReleased{
			Payable: disbursement.Payable{
				Payment: ids[n], Payroll: "november", Amount: 5, Unit: events.Unit{Code: "00004", ValidFrom: "2025-07-01"},
				Beneficiary: "b", Mark: "m", Month: "2026-10", Kind: "arrears", Origin: "o", Programme: "social_pension",
			},
			Target: disbursement.Target{EndToEndID: ids[n] + "-1", Attempt: 1, Bank: "BFTVVNVX", Account: "a-1"},
		})
	}
	for n := range happenings("") {
		all = append(all, happenings(ids[n])[n])
	}
	for _, reference := range []string{`FT"1\`, "FT, {ba} NULL", "phí", "", `\\""`} {
		all = append(all, disbursement.PaymentCredited{Payment: ids[40], Attempt: 1, BankReference: reference})
	}
	for range 10 * payments {
		of := happenings(ids[dice.IntN(payments)])
		all = append(all, of[dice.IntN(len(of))])
	}
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for n, e := range append(all, disbursement.PayrollClosed{Payroll: "november"}) {
		facts = append(facts, events.Recorded{
			Position: int64(n + 1), Stream: "s", Version: n + 1, Event: e, Meta: events.Meta{OccurredAt: at.Add(time.Duration(n) * time.Microsecond)},
		})
	}
	return facts
}

// booked are all rows, as text, after the facts were written in batches.
func booked(t *testing.T, facts []events.Recorded, size int) (rows []string) {
	t.Helper()
	pool := testkit.Postgres(t)
	if _, err := pool.Exec(t.Context(), paymentsDDL); err != nil {
		t.Fatal(err)
	}
	for batch := range slices.Chunk(facts, size) {
		book(t, pool, batch)
	}
	for _, table := range []string{"payments_v1", "bookings_v1", "double_bookings_v1", "payment_lists_v1", "ledger_entries_v1", "ledger_balances_v1"} {
		found, err := pool.Query(t.Context(), fmt.Sprintf(`select '%[1]s ' || r::text from %[1]s as r order by 1`, table))
		if err != nil {
			t.Fatal(err)
		}
		texts, err := pgx.CollectRows(found, pgx.RowTo[string])
		if err != nil || len(texts) == 0 {
			t.Fatalf("%s has %d rows: %v", table, len(texts), err)
		}
		rows = append(rows, texts...)
	}
	return rows
}

// book writes a batch as a read model does.
func book(t testing.TB, pool *pgxpool.Pool, batch []events.Recorded) {
	t.Helper()
	if err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return writeBooks(t.Context(), tx, batch) }); err != nil {
		t.Fatal(err)
	}
}

// Whatever is not named here may change, and is then written with the whole row: so is a column that is yet to come.
func TestWhatChangedIsWritten(t *testing.T) {
	t.Parallel()
	narrow := map[string]change{"Status": moved, "NewsAt": moved, "Facts": moved, "Outcome": settled, "BankReference": settled, "BookedAt": settled, "Said": settled}
	kept := map[string]bool{}
	for _, never := range []string{
		"Payment", "Payroll", "PayrollMonth", "UnitCode", "UnitValidFrom", "Programme", "Beneficiary", "Mark", "Month", "Kind", "Origin", "Amount", "ReleasedAt",
	} {
		narrow[never] = moved
		kept[never] = true
	}
	columns := strings.Split(strings.Join(strings.Fields(paymentColumns), ""), ",")
	read := strings.Split(strings.Join(strings.Fields(changingColumns), ""), ",")
	for i, field := range reflect.VisibleFields(reflect.TypeFor[Payment]()) {
		if column := columns[i]; !kept[field.Name] && (!slices.Contains(read, column) || !strings.Contains(updateAltered, " "+column+" = u."+column)) {
			t.Errorf("%s changes, and is not read and written again", column)
		}
		want, is := narrow[field.Name]
		if !is {
			want = altered
		}
		var p Payment
		switch at := reflect.ValueOf(&p).Elem().FieldByIndex(field.Index).Addr().Interface().(type) {
		case *string:
			*at = "x"
		case *int32:
			*at = 1
		case *int64:
			*at = 1
		case *bool:
			*at = true
		case *time.Time:
			*at = time.Unix(1, 0)
		case *[]int32:
			*at = []int32{1}
		case *[]string:
			*at = []string{"1 +FT1"}
		default:
			t.Fatalf("%s is a %T", field.Name, at)
		}
		if got := p.since(&Payment{}); got != want {
			t.Errorf("%s: %d, want %d", field.Name, got, want)
		}
	}
}
