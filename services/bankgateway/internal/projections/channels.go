package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/projection"
)

// Channel is how the way to one bank is doing.
type Channel struct {
	Bank string `db:"bank,key"`
	// Sent counts what the bank was told and asked, Reported what it said and counted, SetAside what it said and did not.
	Sent         int64     `db:"sent"`
	Reported     int64     `db:"reported"`
	SetAside     int64     `db:"set_aside"`
	LastSentAt   time.Time `db:"last_sent_at,null"`
	LastReportAt time.Time `db:"last_report_at,null"`
	// PausedAt is zero while the channel runs; Note is the reference of the operator's reason.
	PausedAt time.Time `db:"paused_at,null"`
	PausedBy string    `db:"paused_by"`
	Note     string    `db:"note"`
}

// Channels is the read model of the ways to the banks.
func Channels() *projection.Projection {
	return projection.Table[Channel]{Name: "channels_v1", DDL: channelsDDL, Key: channelKey, Apply: applyToChannel}.Projection()
}

const channelsDDL = `
create table if not exists channels_v1 (
  bank           text primary key,
  sent           bigint not null,
  reported       bigint not null,
  set_aside      bigint not null,
  last_sent_at   timestamptz,
  last_report_at timestamptz,
  paused_at      timestamptz,
  paused_by      text not null,
  note           text not null
) with (fillfactor = 50);
`

func channelKey(r events.Recorded) (string, bool) {
	switch e := r.Event.(type) {
	case bankgateway.InstructionSent:
		return e.Bank, true
	case bankgateway.InquirySent:
		return e.Bank, true
	case bankgateway.RecallSent:
		return e.Bank, true
	case bankgateway.PaymentReported:
		return e.Bank, true
	case bankgateway.ReportSetAside:
		return e.Bank, true
	case bankgateway.OpeningSent:
		return e.Bank, true
	case bankgateway.OpeningReported:
		return e.Bank, true
	case bankgateway.OpeningReportSetAside:
		return e.Bank, true
	case bankgateway.BankPaused:
		return e.Bank, true
	case bankgateway.BankResumed:
		return e.Bank, true
	}
	return "", false
}

func applyToChannel(c Channel, r events.Recorded) Channel {
	switch e := r.Event.(type) {
	case bankgateway.InstructionSent, bankgateway.InquirySent, bankgateway.RecallSent, bankgateway.OpeningSent:
		c.Sent, c.LastSentAt = c.Sent+1, r.RecordedAt
	case bankgateway.PaymentReported, bankgateway.OpeningReported:
		c.Reported, c.LastReportAt = c.Reported+1, r.RecordedAt
	case bankgateway.ReportSetAside, bankgateway.OpeningReportSetAside:
		c.SetAside, c.LastReportAt = c.SetAside+1, r.RecordedAt
	case bankgateway.BankPaused:
		c.PausedAt, c.PausedBy, c.Note = r.RecordedAt, e.By, e.Note
	case bankgateway.BankResumed:
		c.PausedAt, c.PausedBy, c.Note = time.Time{}, "", ""
	}
	return c
}

const selectChannels = `
select bank, sent, reported, set_aside, coalesce(last_sent_at, '0001-01-01 00:00:00Z'), coalesce(last_report_at, '0001-01-01 00:00:00Z'),
       coalesce(paused_at, '0001-01-01 00:00:00Z'), paused_by, note
  from channels
 order by bank`

// ListChannels lists the banks that something was said to, or that were paused.
func ListChannels(ctx context.Context, pool *pgxpool.Pool) ([]Channel, error) {
	rows, err := pool.Query(ctx, selectChannels)
	if err != nil {
		return nil, wrap("list channels", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Channel])
	for i := range list {
		c := &list[i]
		c.LastSentAt, c.LastReportAt, c.PausedAt = known(c.LastSentAt), known(c.LastReportAt), known(c.PausedAt)
	}
	return list, wrap("list channels", err)
}

// known makes the year 1 of a null the zero time.
func known(t time.Time) time.Time {
	if t.Year() <= 1 {
		return time.Time{}
	}
	return t
}
