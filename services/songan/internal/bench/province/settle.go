package province

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
	"github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/onemachine"
)

const (
	provinceCode = "01"
	// perUpload and perIssuance are how much officers enter at once.
	perUpload   = 10_000
	perIssuance = 5_000
)

// settle registers everybody, has accounts opened for them and enrols them. None of it is measured.
func (p *province) settle(ctx context.Context) error {
	if err := p.communes(); err != nil {
		return err
	}
	if err := p.behave(ctx, acknowledgeNothing()); err != nil {
		return err
	}
	all, err := p.upload(ctx, "/accounts/v1/beneficiaries/batch", "beneficiary", p.payees+lonely, p.person)
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	p.Say("  %d people are registered", len(all))
	if err := p.openAccounts(ctx, all); err != nil {
		return fmt.Errorf("open accounts: %w", err)
	}
	p.Say("  all of them have accounts")
	p.people, p.single = all[:p.payees], all[p.payees:]
	day := time.Now().Format(time.DateOnly)
	enrol := func(who []string, programme, category string) error {
		_, err := p.upload(ctx, "/disbursement/v1/enrolments/batch", "enrolment", len(who), func(n int) any {
			return map[string]any{
				"beneficiary": who[n], "programme": programme, "category": category,
				"decision": map[string]any{"number": fmt.Sprintf("%d/QD-UBND", n+1), "signed_on": day},
			}
		})
		return err
	}
	if err := errors.Join(
		enrol(p.people, "social_assistance", "c6_severe"), enrol(p.single, "meritorious_services", "meritorious"),
	); err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	return nil
}

// communes lists those of the province, one for each list of one line.
func (p *province) communes() error {
	directory, err := units.Load()
	if err != nil {
		return fmt.Errorf("load units: %w", err)
	}
	today := vn.DateOf(time.Now())
	whole, found := directory.Find(provinceCode, today)
	if !found {
		return errors.New("there is no province " + provinceCode)
	}
	for _, unit := range directory.Communes(whole, today) {
		p.units = append(p.units, unit.Code)
	}
	if len(p.units) < lonely {
		return fmt.Errorf("%d communes are not enough for %d lists", len(p.units), lonely)
	}
	return nil
}

// person is somebody with a passport, which no register is asked about: identity is measured elsewhere.
func (p *province) person(n int) any {
	unit := p.units[n%len(p.units)]
	if n >= p.payees {
		unit = p.units[n-p.payees]
	}
	return map[string]any{
		"unit": unit, "file_number": fmt.Sprintf("BTXH-%d", n),
		"person": map[string]any{
			"full_name": "Nguyễn Văn An", "birth_date": "1980-05-20", "sex": "male",
			"document":  map[string]any{"type": "passport", "number": fmt.Sprintf("C%08d", n)},
			"residence": map[string]any{"text": "Hà Nội", "unit": unit},
		},
	}
}

// upload posts lines as the province's officer and returns the ids of what was made, in their order.
func (p *province) upload(ctx context.Context, path, member string, n int, item func(int) any) ([]string, error) {
	ids := make([]string, 0, n)
	for from := 0; from < n; from += perUpload {
		items := make([]any, 0, perUpload)
		for i := from; i < min(n, from+perUpload); i++ {
			items = append(items, item(i))
		}
		lines, err := p.api.Batch(ctx, client.Call{
			Path: path, Token: p.Demo.Actors["province_lisa"].Token, Key: fmt.Sprintf("upload-%d-%d", n, from),
		}, member, items)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			var made struct {
				ID string `json:"id"`
			}
			if line.Problem != nil {
				return nil, fmt.Errorf("line %d: %s", from+line.Index, line.Problem)
			}
			if err := json.Unmarshal(line.Answer, &made); err != nil {
				return nil, fmt.Errorf("line %d: %w", from+line.Index, err)
			}
			ids = append(ids, made.ID)
		}
	}
	return ids, nil
}

// openAccounts asks the banks in turn, and waits until everybody has an account.
func (p *province) openAccounts(ctx context.Context, all []string) error {
	banks := onemachine.Banks()
	for nth, chunk := range slices.Collect(slices.Chunk(all, perIssuance)) {
		var drafted struct {
			ID string `json:"id"`
		}
		err := p.api.Create(ctx, client.Call{
			Path: "/accounts/v1/issuances", Token: p.Demo.Actors["province_lisa"].Token, Key: fmt.Sprintf("issue-%d", nth),
		}, map[string]any{"unit": provinceCode, "bank": banks[nth%len(banks)], "beneficiaries": chunk}, &drafted)
		if err != nil {
			return fmt.Errorf("draft an issuance: %w", err)
		}
		issuance := "/accounts/v1/issuances/" + drafted.ID
		if err := p.change(ctx, issuance+"/submission", "province_lisa", struct{}{}); err != nil {
			return err
		}
		if err := p.change(ctx, issuance+"/approval", "province_chairman", struct{}{}); err != nil {
			return err
		}
	}
	return p.untilCounted(ctx, "disbursement", `select count(*) from beneficiaries where state = 'open'`, len(all))
}

// change is one step of an officer, once.
func (p *province) change(ctx context.Context, path, actor string, body any) error {
	var answer json.RawMessage
	_, err := p.api.Change(ctx, client.Call{Path: path, Token: p.Demo.Actors[actor].Token, Key: path}, body, &answer)
	if err != nil {
		return fmt.Errorf("%s as %s: %w", path, actor, err)
	}
	return nil
}

// untilCounted waits for rows in a service's database. It is used outside of measurements.
func (p *province) untilCounted(ctx context.Context, service, query string, want int) error {
	ctx, cancel := context.WithTimeout(ctx, lab.Patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.Database(service))
	if err != nil {
		return fmt.Errorf("connect to %s: %w", service, err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	tick := time.NewTicker(leisurely) // counting takes time that the system lacks
	defer tick.Stop()
	for got := 0; ; {
		if err := conn.QueryRow(ctx, query).Scan(&got); err != nil {
			return fmt.Errorf("count in %s, %d of %d: %w", service, got, want, err)
		}
		if got >= want {
			return nil
		}
		<-tick.C
	}
}
