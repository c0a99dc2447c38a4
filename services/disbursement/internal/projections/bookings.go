package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// booking is the credit of an attempt, as the bank names it.
type booking struct {
	bank, reference, payment string
	attempt                  int32
}

// A booking belongs to the first payment that it credited: rows are inserted in the order of the facts, and one that is there
// already, be it from this very statement, stays.
const writeBookings = `
insert into bookings_v1 (bank, reference, payment, attempt)
select unnest($1::text[]), unnest($2::text[]), unnest($3::text[]), unnest($4::int[])
    on conflict do nothing`

const writeDoubles = `
insert into double_bookings_v1 (payment, attempt, bank, reference, other, other_attempt)
select u.payment, u.attempt, u.bank, u.reference, b.payment, b.attempt
  from unnest($1::text[], $2::text[], $3::text[], $4::int[]) as u(bank, reference, payment, attempt)
  join bookings_v1 b on b.bank = u.bank and b.reference = u.reference
 where (b.payment, b.attempt) <> (u.payment, u.attempt)
    on conflict do nothing`

func (b *books) writeBookings(ctx context.Context) error {
	if len(b.bookings) == 0 {
		return nil
	}
	columns := []any{
		column(b.bookings, func(k booking) string { return k.bank }),
		column(b.bookings, func(k booking) string { return k.reference }),
		column(b.bookings, func(k booking) string { return k.payment }),
		column(b.bookings, func(k booking) int32 { return k.attempt }),
	}
	tag, err := b.tx.Exec(ctx, writeBookings, columns...)
	if err != nil {
		return fmt.Errorf("write %d bookings: %w", len(b.bookings), err)
	}
	if int(tag.RowsAffected()) == len(b.bookings) {
		return nil
	}
	if _, err := b.tx.Exec(ctx, writeDoubles, columns...); err != nil {
		return fmt.Errorf("write double bookings: %w", err)
	}
	return nil
}

// DoubleBooking is a credit whose booking had credited another payment before.
type DoubleBooking struct {
	Payment      string
	Attempt      int
	Reference    string
	Other        string
	OtherAttempt int
}

// DoubleBookings lists the credits that have to be contested, because one of the two is not yet.
func DoubleBookings(ctx context.Context, pool *pgxpool.Pool, limit int) ([]DoubleBooking, error) {
	// It is asked every second, and there are hardly any: "offset 0" looks their payments up one by one.
	const query = `
select d.payment, d.attempt, d.reference, d.other, d.other_attempt
  from double_bookings d
 cross join lateral (select outcome, attempt, contested from payments where payment = d.payment offset 0) as p
 cross join lateral (select outcome, attempt, contested from payments where payment = d.other offset 0) as o
 where (p.outcome = 'credited' and p.attempt = d.attempt and not d.attempt = any(p.contested))
    or (o.outcome = 'credited' and o.attempt = d.other_attempt and not d.other_attempt = any(o.contested))
 order by d.payment, d.attempt
 limit $1`
	rows, err := pool.Query(ctx, query, limit)
	return collect[DoubleBooking](rows, err, "look for double bookings")
}
