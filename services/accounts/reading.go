package accounts

import (
	"context"
	"sync"

	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/history"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/services/accounts/internal/beneficiary"
	"github.com/songan-vn/songan/services/accounts/internal/projections"
)

// loadingWidth is how many streams are loaded at the same time; the store joins them into few queries.
const loadingWidth = 128

// states folds many beneficiaries. Those who do not exist are absent.
func (a *app) states(ctx context.Context, ids []string) (map[string]beneficiary.Beneficiary, error) {
	loaded := make([]beneficiary.Beneficiary, len(ids))
	err := each(ids, loadingWidth, func(i int, id string) (err error) {
		loaded[i], err = eventstore.State[beneficiary.Beneficiary](ctx, a.log, beneficiaryStream(id))
		return err
	})
	if err != nil {
		return nil, err
	}
	found := make(map[string]beneficiary.Beneficiary, len(ids))
	for _, b := range loaded {
		if b.Exists() {
			found[b.Beneficiary] = b
		}
	}
	return found, nil
}

// each does something for every item, width at a time, waits for all and returns the first error by order.
func each[T any](items []T, width int, do func(int, T) error) error {
	errs := make([]error, len(items))
	places := make(chan struct{}, width)
	var working sync.WaitGroup
	for i, item := range items {
		places <- struct{}{}
		working.Go(func() {
			defer func() { <-places }()
			errs[i] = do(i, item)
		})
	}
	working.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// visible loads a beneficiary whom the caller may know of. To everybody else they do not exist.
func (a *app) visible(ctx context.Context, id string, may policy.Pass) (beneficiary.Beneficiary, error) {
	b, err := eventstore.State[beneficiary.Beneficiary](ctx, a.log, beneficiaryStream(id))
	if err != nil {
		return beneficiary.Beneficiary{}, err
	}
	if !b.Exists() || !sees(may)(b.Unit) {
		return beneficiary.Beneficiary{}, beneficiary.ErrUnknown()
	}
	return b, nil
}

// ListBeneficiaries narrows a list of beneficiaries.
type ListBeneficiaries struct {
	httpapi.Paging[string]

	Unit       string `query:"unit" pattern:"^([0-9]{2}|[0-9]{5})$" doc:"a commune, or a province with all of its communes"`
	Identity   string `query:"identity" enum:"pending,matched,mismatched,not_found,unavailable"`
	Account    string `query:"account" enum:"none,requested,needs_information,refused,opened,active,suspended,blocked,closed" doc:"state of the latest account"`
	FileNumber string `query:"file_number" maxLength:"40"`
	Living     bool   `query:"living" doc:"leave out whoever has died"`
	Reported   bool   `query:"death_reported" doc:"only whom a bank reported dead, and nobody has decided yet"`
	IDsOnly    bool   `query:"ids_only" doc:"do not read the people, even where the caller may"`
}

func (a *app) listBeneficiaries(ctx context.Context, c httpapi.Call[ListBeneficiaries]) (httpapi.Page[Beneficiary], error) {
	q := c.In
	filter := projections.BeneficiaryFilter{
		Scope: c.Pass.In(q.Unit).Units.Names(), Identity: q.Identity, FileNumber: q.FileNumber, Account: q.Account, Living: q.Living, Reported: q.Reported, Limit: q.More(),
	}
	if q.Cursor.At != nil {
		filter.After = *q.Cursor.At
	}
	rows, err := projections.ListBeneficiaries(ctx, a.pool, filter)
	if err != nil {
		return httpapi.Page[Beneficiary]{}, err
	}
	page := httpapi.PageOf(q.Paging, rows, viewRow, func(b projections.Beneficiary) string { return b.Beneficiary })
	why := administration(c.Who, "list")
	if q.IDsOnly || c.Pass.Also(readPeople).For(why.Purpose, why.Case) != nil {
		return page, nil
	}
	refs := make([]peopleOf, 0, len(page.Items))
	for i := range page.Items {
		refs = append(refs, peopleOf{&page.Items[i], rows[i].Person, rows[i].Representative})
	}
	return page, a.addPeople(ctx, c.Who, why, refs)
}

// oneBeneficiary answers with a beneficiary, their accounts, and for officers of the unit the people.
func (a *app) oneBeneficiary(ctx context.Context, c httpapi.Call[struct{}]) (Beneficiary, error) {
	b, err := a.visible(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return Beneficiary{}, err
	}
	answer := viewBeneficiary(b)
	why := administration(c.Who, b.Beneficiary)
	if !readsPeople(c.Pass, b.Unit, why) {
		return answer, nil
	}
	return answer, a.addPeople(ctx, c.Who, why, []peopleOf{{&answer, b.Person, b.Representative}})
}

func (a *app) history(ctx context.Context, c httpapi.Call[struct{}]) (history.History, error) {
	if _, err := a.visible(ctx, c.Path("id"), c.Pass); err != nil {
		return history.History{}, err
	}
	recorded, err := a.log.Load(ctx, beneficiaryStream(c.Path("id")))
	if err != nil {
		return history.History{}, err
	}
	return history.Of(recorded), nil
}
