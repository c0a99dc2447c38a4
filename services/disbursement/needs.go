package disbursement

import (
	"context"

	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/services/disbursement/needed"
)

// NeedsBody asks about beneficiaries who are to be erased.
type NeedsBody struct {
	Beneficiaries []string `json:"beneficiaries" minItems:"1" maxItems:"500"`
}

// Needs are those of them whose money is not settled.
type Needs struct {
	Beneficiaries []string `json:"beneficiaries"`
}

func (a *app) needs(ctx context.Context, c httpapi.Call[NeedsBody]) (Needs, error) {
	head, err := a.log.Head(ctx)
	if err != nil {
		return Needs{}, err
	}
	// The list of payments rests while a list is being released; here somebody waits for it.
	if err := a.payment.model.WaitFor(ctx, head); err != nil {
		return Needs{}, err
	}
	found, err := needed.Of(ctx, a.pool, c.In.Beneficiaries)
	if err != nil {
		return Needs{}, err
	}
	return Needs{Beneficiaries: append([]string{}, found...)}, nil
}
