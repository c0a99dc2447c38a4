package bankgateway

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/history"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/territory"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/services/bankgateway/internal/channel"
	"github.com/songan-vn/songan/services/bankgateway/internal/instruction"
	"github.com/songan-vn/songan/services/bankgateway/internal/projections"
)

// The states of a channel.
const (
	running = "running"
	paused  = "paused"
	// unconfigured is a bank that something waits for, and that SONGAN_BANKS does not name.
	unconfigured = "unconfigured"
)

// Bank is how the channel to one bank is doing.
type Bank struct {
	Bank         string    `json:"bank" doc:"BIC"`
	State        string    `json:"state" enum:"running,paused,unconfigured"`
	Breaker      string    `json:"breaker,omitzero" enum:"closed,half-open,open" doc:"open: the bank's topic refuses, and is tried again soon; of this process"`
	Waiting      int64     `json:"waiting" doc:"messages that are to be sent"`
	WaitingSince time.Time `json:"waiting_since,omitzero" doc:"of the oldest of them"`
	LagSeconds   int64     `json:"lag_seconds" doc:"how long the oldest has been waiting"`
	Held         int64     `json:"held" doc:"messages that cannot be written; see quarantine"`
	Sent         int64     `json:"sent"`
	Reported     int64     `json:"reported"`
	SetAside     int64     `json:"set_aside" doc:"reports that were late, backward, early or contradictory"`
	LastSentAt   time.Time `json:"last_sent_at,omitzero"`
	LastReportAt time.Time `json:"last_report_at,omitzero"`
	PausedAt     time.Time `json:"paused_at,omitzero"`
	PausedBy     string    `json:"paused_by,omitzero"`
	Reason       string    `json:"reason,omitzero" doc:"why it is paused"`
}

// Banks lists all of them.
type Banks struct {
	Items []Bank `json:"items"`
}

func (a *app) listBanks(ctx context.Context, c httpapi.Call[struct{}]) (Banks, error) {
	reach := c.Pass.Reach()
	if reach.Units.Empty() {
		return Banks{Items: []Bank{}}, nil // a reach without a bank is that of somebody who sees all, or nothing
	}
	channels, err := projections.ListChannels(ctx, a.pool)
	if err != nil {
		return Banks{}, err
	}
	backlogs, err := projections.Backlogs(ctx, a.pool)
	if err != nil {
		return Banks{}, err
	}
	// A bank sees its own channel, without an operator's remarks.
	only := reach.Bank
	var reasons map[string]string
	if only == "" {
		if reasons, err = a.reasons(ctx, c.Pass, channels); err != nil {
			return Banks{}, err
		}
	}
	all := map[string]Bank{}
	for bic, way := range a.banks {
		all[bic] = Bank{Bank: bic, State: running, Breaker: way.State()}
	}
	for _, ch := range channels {
		all[ch.Bank] = a.withChannel(all[ch.Bank], ch, reasons[ch.Note])
	}
	for _, b := range backlogs {
		all[b.Bank] = a.withBacklog(all[b.Bank], b)
	}
	list := Banks{Items: make([]Bank, 0, len(all))}
	for bic, b := range all {
		if only == "" {
			list.Items = append(list.Items, b)
		} else if bic == only {
			b.PausedBy = ""
			list.Items = append(list.Items, b)
		}
	}
	slices.SortFunc(list.Items, func(x, y Bank) int { return strings.Compare(x.Bank, y.Bank) })
	return list, nil
}

func (a *app) withChannel(b Bank, ch projections.Channel, reason string) Bank {
	b.Bank, b.Sent, b.Reported, b.SetAside = ch.Bank, ch.Sent, ch.Reported, ch.SetAside
	b.LastSentAt, b.LastReportAt = ch.LastSentAt, ch.LastReportAt
	if b.State == "" {
		b.State = unconfigured
	}
	if !ch.PausedAt.IsZero() {
		b.State, b.PausedAt, b.PausedBy, b.Reason = paused, ch.PausedAt, ch.PausedBy, reason
	}
	return b
}

func (a *app) withBacklog(b Bank, waits projections.Backlog) Bank {
	b.Bank, b.Waiting, b.Held = waits.Bank, waits.Waiting, waits.Held
	if b.State == "" {
		b.State = unconfigured
	}
	if waits.Oldest != nil {
		b.WaitingSince, b.LagSeconds = *waits.Oldest, int64(waits.Lag(a.now())/time.Second)
	}
	return b
}

// reasons opens the notes of the channels that are paused, by reference.
func (a *app) reasons(ctx context.Context, may policy.Pass, channels []projections.Channel) (map[string]string, error) {
	why, err := foundation.ReadFor(may, "bank_pause", "banks")
	if err != nil {
		return nil, err
	}
	var refs []vault.Ref
	for _, ch := range channels {
		if ch.Note != "" {
			refs = append(refs, vault.Ref(ch.Note))
		}
	}
	found, err := a.vault.Read(ctx, why, refs...)
	if err != nil {
		return nil, fmt.Errorf("read why banks are paused: %w", err)
	}
	texts := make(map[string]string, len(found))
	for ref, plain := range found {
		var n vault.Note
		if err := plain.Decode(&n); err != nil {
			return nil, fmt.Errorf("read why banks are paused: %w", err)
		}
		texts[string(ref)] = n.Text
	}
	return texts, nil
}

// PauseBody is an operator's reason.
type PauseBody struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500"`
}

// Channel is what becomes of a command on a channel.
type Channel struct {
	Bank  string `json:"bank"`
	State string `json:"state" enum:"running,paused"`
}

func (a *app) pause(ctx context.Context, c httpapi.Call[PauseBody]) (httpapi.Done[Channel], error) {
	bic := c.Path("bic")
	if a.banks[bic] == nil {
		return httpapi.Done[Channel]{}, errNoBank()
	}
	row, err := a.vault.SealNote(c.In.Reason, time.Time{})
	if err != nil {
		return httpapi.Done[Channel]{}, fmt.Errorf("seal the reason of the pause: %w", err)
	}
	cmd := channel.Pause{Bank: bic, Note: string(row.Ref), By: c.Who.Actor()}
	out, err := eventstore.Execute(ctx, a.log, channel.Stream(bic), cmd, c.Meta, eventstore.OncePerKey(), eventstore.WithSecrets(row))
	return done(bic, out, err)
}

func (a *app) resume(ctx context.Context, c httpapi.Call[struct{}]) (httpapi.Done[Channel], error) {
	bic := c.Path("bic")
	if a.banks[bic] == nil {
		return httpapi.Done[Channel]{}, errNoBank()
	}
	out, err := eventstore.Execute(ctx, a.log, channel.Stream(bic), channel.Resume{Bank: bic, By: c.Who.Actor()}, c.Meta, eventstore.OncePerKey())
	return done(bic, out, err)
}

func done(bic string, out eventstore.Outcome[channel.Channel], err error) (httpapi.Done[Channel], error) {
	if err != nil {
		return httpapi.Done[Channel]{}, err
	}
	answer := Channel{Bank: bic, State: running}
	if out.State.Paused {
		answer.State = paused
	}
	return httpapi.Done[Channel]{Answer: answer, Position: out.Position, Replayed: out.Replayed}, nil
}

func errNoBank() error {
	return problem.New(problem.NotFound, "bank_unknown", "no bank with this BIC is connected", "không có ngân hàng nào mang mã BIC này được kết nối")
}

func (a *app) history(ctx context.Context, c httpapi.Call[struct{}]) (history.History, error) {
	recorded, err := a.log.Load(ctx, instruction.Stream(c.Path("id")))
	if err != nil {
		return history.History{}, err
	}
	wanted, known, err := projections.Find(ctx, a.pool, projections.InstructWork(c.Path("id")))
	if err != nil {
		return history.History{}, err
	}
	if len(recorded) == 0 || !known || !c.Pass.May(policy.Thing{Bank: wanted.Bank, Unit: territory.Key(wanted.UnitCode, wanted.UnitValidFrom)}) {
		return history.History{}, problem.New(problem.NotFound, "instruction_unknown", "nothing was instructed under this id", "không có lệnh nào mang mã này")
	}
	return history.Of(recorded), nil
}

// Dispatch is something that is to be said to a bank, and was not yet.
type Dispatch struct {
	Work     string    `json:"work" doc:"what is to be said: instruct, inquire, recall or open, and about what"`
	Bank     string    `json:"bank" doc:"BIC"`
	State    string    `json:"state" enum:"waiting,held" doc:"held: somebody's data cannot be read, and an operator looks"`
	WantedAt time.Time `json:"wanted_at"`
}

// ListDispatches pages through them.
type ListDispatches struct {
	httpapi.Paging[int64]

	Bank string `query:"bank" pattern:"^[A-Z0-9]{8,11}$" doc:"BIC"`
}

func (a *app) listDispatches(ctx context.Context, c httpapi.Call[ListDispatches]) (httpapi.Page[Dispatch], error) {
	none := httpapi.Page[Dispatch]{Items: []Dispatch{}}
	bank, reach := c.In.Bank, c.Pass.Reach()
	if reach.Units.Empty() {
		return none, nil
	}
	if only := reach.Bank; only != "" {
		if bank != "" && bank != only {
			return none, nil // nothing there is theirs
		}
		bank = only
	}
	var after int64
	if c.In.Cursor.At != nil {
		after = *c.In.Cursor.At
	}
	found, err := projections.Open(ctx, a.pool, bank, after, c.In.More())
	if err != nil {
		return none, err
	}
	return httpapi.PageOf(c.In.Paging, found, viewDispatch, projections.Queued.After), nil
}

func viewDispatch(d projections.Queued) Dispatch {
	state := "waiting"
	if d.Held {
		state = "held"
	}
	return Dispatch{Work: d.Work, Bank: d.Bank, State: state, WantedAt: d.WantedAt}
}
