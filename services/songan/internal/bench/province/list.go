package province

import (
	"bytes"
	"cmp"
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

// untilReconciled waits until nothing is under way of what the treasury provided for a list, and then until the list is released to
// its end and all of it credited, to the dong. The first is asked of the ledger, which keeps its sums: a reconciliation counts every
// payment, and takes time that the system lacks.
func (p *province) untilReconciled(ctx context.Context, list string, every time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, lab.Patience)
	defer cancel()
	read := func(path string, into any) error {
		return p.api.Read(ctx, client.Call{Path: "/disbursement/v1/" + path, Token: p.Demo.Actors["treasurer"].Token}, into)
	}
	err := lab.PollEach(ctx, every, func() error {
		var ledger struct {
			Items []struct {
				Budget, Available, Reserved int64
				InFlight                    int64 `json:"in_flight"`
			} `json:"items"`
		}
		err := read("ledger/accounts?payroll="+list, &ledger)
		for _, a := range ledger.Items {
			if a.Budget > 0 && a.Available == 0 && a.Reserved == 0 && a.InFlight == 0 {
				return nil
			}
			err = errors.Join(err, fmt.Errorf("of %d dong, %d, %d and %d are under way", a.Budget, a.Available, a.Reserved, a.InFlight))
		}
		return cmp.Or(err, errors.New("the ledger knows nothing of the list"))
	})
	if err != nil {
		return err
	}
	return lab.PollEach(ctx, every, func() error {
		var sums struct {
			Instructed, Credited, Difference int64
		}
		var payroll struct {
			Release *struct{} `json:"release"`
		}
		err := errors.Join(read("reconciliations/"+list, &sums), read("payrolls/"+list, &payroll))
		if err == nil && (sums.Credited == 0 || sums.Credited != sums.Instructed || sums.Difference != 0) {
			err = fmt.Errorf("%d of %d dong are credited, and %d are a difference", sums.Credited, sums.Instructed, sums.Difference)
		}
		if err == nil && payroll.Release == nil {
			err = errors.New("the release goes on")
		}
		return err
	})
}

// acknowledgeNothing is a bank that reports credits and nothing before them.
func acknowledgeNothing() map[string]any { return map[string]any{"acknowledge": "none"} }

// behave gives all simulated banks a scenario.
func (p *province) behave(ctx context.Context, scenario map[string]any) error {
	for _, bank := range p.Demo.Banks {
		if err := p.control(ctx, http.MethodPost, bank.Control+"/control/scenario", scenario, nil); err != nil {
			return err
		}
	}
	return nil
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
