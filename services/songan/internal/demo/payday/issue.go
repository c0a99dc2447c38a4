package payday

import (
	"context"
	"fmt"
	"slices"

	"github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/witness"
)

// issue asks the banks for accounts: lisa drafts and submits, the chairman approves, the banks answer, and the chairman confirms
// the holders whose names only come close.
func (p *play) issue(ctx context.Context, o *office) error {
	members := map[string][]string{}
	for _, b := range o.people {
		if b.Bank != "" && b.id != "" {
			members[b.Bank] = append(members[b.Bank], b.id)
		}
	}
	for bank, ids := range members {
		if err := p.issueAt(ctx, o, bank, ids); err != nil {
			return fmt.Errorf("issue accounts at %s: %w", bank, err)
		}
	}
	return p.opened(ctx, o)
}

func (p *play) issueAt(ctx context.Context, o *office, bank string, ids []string) error {
	var drafted struct {
		ID string `json:"id"`
	}
	call := client.Call{Path: accounts + "/issuances", Token: o.lisa, Key: p.key("issuance-%s-%s", o.unit, bank)}
	body := client.Object{"unit": o.unit, "bank": bank, "beneficiaries": ids, "note": "cấp mới theo danh sách chi trả"}
	if _, err := p.API.Change(ctx, call, body, &drafted); err != nil {
		return fmt.Errorf("draft: %w", err)
	}
	return p.agree(ctx, o, drafted.ID, true)
}

// agree takes a drafted batch through submission and approval. The maker may try to approve it first.
func (p *play) agree(ctx context.Context, o *office, issuance string, tempted bool) error {
	step := func(token, name, mark string) client.Call {
		return client.Call{
			Path: accounts + "/issuances/" + issuance + "/" + name, Token: token, Key: p.key("issuance-%s-%s%s", issuance, name, mark),
		}
	}
	if _, err := p.API.Change(ctx, step(o.lisa, "submission", ""), struct{}{}, &struct{}{}); err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	if tempted {
		err := p.mustRefuse(ctx, "the maker approved their own issuance", step(o.lisa, "approval", "-own"), struct{}{})
		if err != nil {
			return err
		}
	}
	if _, err := p.API.Change(ctx, step(o.chairman, "approval", ""), struct{}{}, &struct{}{}); err != nil {
		return fmt.Errorf("approve: %w", err)
	}
	return nil
}

// replace closes the account that a payment did not reach, and has another bank open one, if that bank will. Another payment that
// did not reach it, or an earlier play of the same payday, may have had that done.
func (p *play) replace(ctx context.Context, o *office, one witness.Payment) (open bool, err error) {
	latest := func(ctx context.Context) (account, error) {
		b := beneficiary{Account: &account{}}
		err := p.API.Read(ctx, client.Call{Path: accounts + "/beneficiaries/" + one.Beneficiary, Token: o.auditor}, &b)
		return *b.Account, err
	}
	was, err := latest(ctx)
	if err != nil {
		return false, fmt.Errorf("read the account: %w", err)
	}
	if was.ID == one.Account {
		if err := p.askElsewhere(ctx, o, one); err != nil {
			return false, err
		}
	}
	err = client.Until(ctx, "a new account", func(ctx context.Context) (bool, error) {
		now, err := latest(ctx)
		if err == nil && now.doubted() {
			now, err = p.confirm(ctx, o, now)
		}
		open = now.Status == "opened" || now.Status == "active"
		return now.ID != one.Account && now.Status != "requested", err
	})
	return open, err
}

// askElsewhere takes the replacement of an account through its four eyes, up to the request at the next bank.
func (p *play) askElsewhere(ctx context.Context, o *office, one witness.Payment) error {
	bics := p.banks.BICs()
	bank := bics[(slices.Index(bics, one.Bank)+1)%len(bics)]
	var drafted struct {
		ID string `json:"id"`
	}
	_, err := p.API.Change(ctx, client.Call{
		Path: accounts + "/accounts/" + one.Account + "/replacement", Token: o.lisa, Key: p.key("replace-%s", one.Account),
	}, client.Object{"bank": bank, "reason": "ngân hàng không ghi có được"}, &drafted)
	if err != nil {
		return fmt.Errorf("draft a replacement: %w", err)
	}
	if err := p.agree(ctx, o, drafted.ID, false); err != nil {
		return fmt.Errorf("replace the account: %w", err)
	}
	return nil
}

// confirm has the chairman confirm the holder of an account.
func (p *play) confirm(ctx context.Context, o *office, doubted account) (confirmed account, err error) {
	_, err = p.API.Change(ctx, client.Call{
		Path: accounts + "/accounts/" + doubted.ID + "/confirmation", Token: o.chairman, Key: p.key("confirm-%s", doubted.ID),
	}, client.Object{"reason": "ngân hàng viết tên không dấu; số giấy tờ trùng khớp"}, &confirmed)
	if err != nil {
		return confirmed, fmt.Errorf("confirm the holder of an account: %w", err)
	}
	return confirmed, nil
}

// opened waits until the banks have answered about everybody who wants an account, and has the holders confirmed of whom a bank
// wrote the name otherwise.
func (p *play) opened(ctx context.Context, o *office) error {
	wanting := map[string]*person{}
	for id, whose := range o.byID {
		if whose.Bank != "" {
			wanting[id] = whose
		}
	}
	doubted := map[*person]account{}
	err := p.watch(ctx, o, watching{wanting, p.issued, func(whose *person, b beneficiary) bool {
		if b.Account == nil || b.Account.Status == "requested" {
			return false
		}
		whose.account = b.Account.Status
		if b.Account.doubted() {
			doubted[whose] = *b.Account
		}
		return true
	}})
	if err != nil {
		return err
	}
	for whose, of := range doubted {
		confirmed, err := p.confirm(ctx, o, of)
		if err != nil {
			return err
		}
		whose.account = confirmed.Status
	}
	return nil
}
