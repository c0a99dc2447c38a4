package province

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
	"github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/crowd"
)

// payList is what is looked at in a list.
type payList struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Payable int64  `json:"payable"`
	Totals  *struct {
		ByAccount int   `json:"by_account"`
		Total     int64 `json:"total"`
	} `json:"totals"`
}

// draft has a list computed.
func (p *province) draft(ctx context.Context, unit, programme string) (list payList, err error) {
	err = p.api.Create(ctx, client.Call{
		Path: "/disbursement/v1/payrolls", Token: p.Demo.Actors["province_lisa"].Token, Key: "draft-" + unit + programme,
	}, map[string]any{"unit": unit, "programme": programme, "month": p.month}, &list)
	if err != nil {
		return list, fmt.Errorf("draft the list of %s: %w", unit, err)
	}
	ctx, cancel := context.WithTimeout(ctx, lab.Patience)
	defer cancel()
	return list, lab.Poll(ctx, func() error {
		err := p.api.Read(ctx, client.Call{Path: "/disbursement/v1/payrolls/" + list.ID, Token: p.Demo.Actors["province_lisa"].Token}, &list)
		if err == nil && list.Totals == nil {
			err = errors.New("the lines are being computed")
		}
		return err
	})
}

// sign takes the list through the four pairs of eyes, up to its funding.
func (p *province) sign(ctx context.Context, list payList) error {
	return errors.Join(
		p.step(ctx, list.ID, "submission", "province_lisa", struct{}{}),
		p.step(ctx, list.ID, "check", "province_accountant", struct{}{}),
		p.step(ctx, list.ID, "approval", "province_chairman", struct{}{}),
		p.step(ctx, list.ID, "funding", "cashier", map[string]any{"amount": list.Totals.Total, "reference": "KB-" + crowd.Tag(list.ID)}),
	)
}

func (p *province) step(ctx context.Context, list, step, actor string, body any) error {
	return p.change(ctx, "/disbursement/v1/payrolls/"+list+"/"+step, actor, body)
}

// untilInstructed waits until the banks have so many instructions.
func (p *province) untilInstructed(ctx context.Context, want int) error {
	ctx, cancel := context.WithTimeout(ctx, lab.Patience)
	defer cancel()
	return lab.Poll(ctx, func() error {
		got := 0
		for _, bank := range p.Demo.Banks {
			var totals struct {
				Instructed int `json:"instructed"`
			}
			if err := p.control(ctx, http.MethodGet, bank.Control+"/ledger", nil, &totals); err != nil {
				return err
			}
			got += totals.Instructed
		}
		if got < want {
			return fmt.Errorf("the banks have %d of %d instructions", got, want)
		}
		return nil
	})
}

// untilReconciled waits until everything that was instructed is credited, to the dong. look says how often to ask.
func (p *province) untilReconciled(ctx context.Context, list string, look func(context.Context, func() (share float64, err error)) error) error {
	ctx, cancel := context.WithTimeout(ctx, lab.Patience)
	defer cancel()
	const nearly = 0.999
	var released bool
	return look(ctx, func() (share float64, err error) {
		var r struct {
			Instructed, Credited, Difference int64
		}
		err = p.api.Read(ctx, client.Call{Path: "/disbursement/v1/reconciliations/" + list, Token: p.Demo.Actors["treasurer"].Token}, &r)
		switch {
		case err != nil || r.Instructed == 0:
			return 0, err
		case r.Difference != 0 || r.Credited != r.Instructed:
			return min(float64(r.Credited)/float64(r.Instructed), nearly), nil
		case released:
			return 1, nil
		}
		var l struct {
			Release *struct{} `json:"release"`
		}
		err = p.api.Read(ctx, client.Call{Path: "/disbursement/v1/payrolls/" + list, Token: p.Demo.Actors["treasurer"].Token}, &l)
		if released = l.Release != nil; err == nil && released {
			return 1, nil
		}
		return nearly, err
	})
}

// approach looks at work until its share that is done is all of it. It looks again after a third of the time that seems to be left,
// or soon when nothing seems to go on: the answer about a long list takes time that the system lacks, and the end is to be seen
// when it comes.
func approach(ctx context.Context, look func() (share float64, err error)) error {
	const most, soon, part = 3 * time.Second, 400 * time.Millisecond, 3
	before, at := 0.0, time.Now()
	for {
		share, err := look()
		if err == nil && share >= 1 {
			return nil
		}
		rest := soon
		if grown := share - before; grown > 0 {
			rest = time.Duration(float64(time.Since(at)) * (1 - share) / grown / part)
		}
		before, at = share, time.Now() // less than before is a list that is still being released
		if waited := client.Wait(ctx, min(max(rest, lab.PollEvery), most)); waited != nil {
			return unfinished(share, err, waited)
		}
	}
}

func unfinished(share float64, err, waited error) error {
	const percent = 100
	return errors.Join(err, fmt.Errorf("%.1f %% are done: %w", percent*share, waited))
}

// hurry looks at what takes milliseconds.
func hurry(ctx context.Context, look func() (share float64, err error)) error {
	const every = 2 * time.Millisecond
	for {
		share, err := look()
		if err == nil && share >= 1 {
			return nil
		}
		if waited := client.Wait(ctx, every); waited != nil {
			return unfinished(share, err, waited)
		}
	}
}

// control talks to a simulated bank.
func (p *province) control(ctx context.Context, method, url string, body, answer any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("build request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := p.Client.Do(request)
	if err != nil {
		return fmt.Errorf("control a bank: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err = io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("control a bank: %d %w", response.StatusCode, err)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(data, answer)
}

// copyRows copies rows like those of the log into an empty table with one COPY.
func (p *province) copyRows(ctx context.Context, name string, n int) (took time.Duration, err error) {
	url, err := p.Fresh(ctx, name)
	if err != nil {
		return 0, err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, fmt.Errorf("connect: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	const table = `create table copied (position bigint primary key, stream text not null, version int not null, type text not null,
		data json not null, meta json not null, recorded_at timestamptz not null, unique (stream, version))`
	if _, err := conn.Exec(ctx, table); err != nil {
		return 0, fmt.Errorf("make a table: %w", err)
	}
	data := []byte(`{"payment":"5xk3v2q7c4m6w8r1t9y0p2n4","payroll":"7h2k5x8c1v4b6n9m3q0w","unit":{"code":"00004","valid_from":"2025-07-01"},` +
		`"programme":"social_assistance","beneficiary":"9d8f7g6h5j4k3l2m1n0p","mark":"a1s2d3f4g5h6j7k8l9z0","month":"2026-11","kind":"regular",` +
		`"amount":810000,"end_to_end_id":"SA5XK3V2Q7C4M6W8R1T9Y0P2N4-1","attempt":1,"bank":"ICBVVNVX"}`)
	meta := []byte(`{"cause":"release/7h2k5x8c1v4b6n9m3q0w/1","actor":"officer:treasurer","occurred_at":"2026-11-21T14:05:00+07:00"}`)
	now := time.Now()
	began := time.Now()
	_, err = conn.CopyFrom(ctx, pgx.Identifier{"copied"},
		[]string{"position", "stream", "version", "type", "data", "meta", "recorded_at"},
		pgx.CopyFromSlice(n, func(i int) ([]any, error) {
			return []any{int64(i + 1), fmt.Sprintf("payment-%026d", i), 1, "disbursement.payment_released.v1", data, meta, now}, nil
		}))
	if err != nil {
		return 0, fmt.Errorf("copy: %w", err)
	}
	return time.Since(began), nil
}
