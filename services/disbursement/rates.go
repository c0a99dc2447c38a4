package disbursement

import (
	"context"
	"slices"

	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// Programme is a kind of benefit with its categories.
type Programme struct {
	ID         string   `json:"id"`
	Title      string   `json:"title"`
	TitleVI    string   `json:"title_vi"`
	Standard   string   `json:"standard" doc:"the series of standards that amounts are multiples of"`
	Categories []string `json:"categories"`
}

// Programmes lists all of them.
type Programmes struct {
	Items []Programme `json:"items"`
	Rules string      `json:"rules" doc:"version of the rules"`
}

func (a *app) programmes(context.Context, httpapi.Call[struct{}]) (Programmes, error) {
	data := a.rules.Data()
	answer := Programmes{Items: make([]Programme, 0, len(data.Programmes)), Rules: a.rules.Version()}
	for _, p := range data.Programmes {
		view := Programme{ID: p.ID, Title: p.Title, TitleVI: p.TitleVI, Standard: p.Standard, Categories: []string{}}
		for _, r := range data.Rules {
			if r.Programme == p.ID && !slices.Contains(view.Categories, r.Category) {
				view.Categories = append(view.Categories, r.Category)
			}
		}
		answer.Items = append(answer.Items, view)
	}
	return answer, nil
}

// AskRates says which day.
type AskRates struct {
	AsOf string `query:"as_of" format:"date" doc:"today when left out: what may be used on this day, for its month"`
}

// Rates are the rows of the law that hold for the month of a day, as far as they were known on that day.
type Rates struct {
	AsOf         string                    `json:"as_of"`
	Month        string                    `json:"month"`
	Rules        string                    `json:"rules" doc:"version of the rules"`
	Standards    []entitlement.Standard    `json:"standards"`
	Levels       []entitlement.Level       `json:"levels" doc:"of provinces; they count where they are higher"`
	Coefficients []entitlement.Rule        `json:"coefficients"`
	Combinations []entitlement.Combination `json:"combinations"`
}

func (a *app) rates(_ context.Context, c httpapi.Call[AskRates]) (Rates, error) {
	day := vn.DateOf(c.Meta.At)
	if asked, err := vn.ParseDate(c.In.AsOf); err == nil {
		day = asked
	}
	data, in := a.rules.Data(), month.Of(day)
	answer := Rates{AsOf: day.String(), Month: in.String(), Rules: a.rules.Version()}
	answer.Standards = holding(data.Standards, day, func(s entitlement.Standard) (string, entitlement.Validity) { return s.Series, s.Validity })
	answer.Levels = holding(data.Levels, day, func(l entitlement.Level) (string, entitlement.Validity) {
		return l.Province + "/" + l.Series, l.Validity
	})
	answer.Coefficients = holding(data.Rules, day, func(r entitlement.Rule) (string, entitlement.Validity) { return r.ID, r.Validity })
	answer.Combinations = holding(data.Combinations, day, func(k entitlement.Combination) (string, entitlement.Validity) { return k.Category, k.Validity })
	return answer, nil
}

// holding returns the row of each series that a computation on a day uses for the month of the day: the latest that is
// known by then and has begun. Where a newer one is not known yet, the one before goes on.
func holding[R any](rows []R, day vn.Date, describe func(R) (string, entitlement.Validity)) []R {
	latest := map[string]int{}
	order := []string{}
	in := month.Of(day)
	for i, row := range rows {
		series, v := describe(row)
		if v.From.After(in) || v.KnownFrom.After(day) {
			continue
		}
		before, found := latest[series]
		if !found {
			order = append(order, series)
		} else if _, b := describe(rows[before]); b.From.After(v.From) {
			continue
		}
		latest[series] = i
	}
	held := make([]R, 0, len(order))
	for _, series := range order {
		held = append(held, rows[latest[series]])
	}
	return held
}

// standardOf is the national standard of a programme for a month, as known on a day; 0 if there is none.
func (a *app) standardOf(programme, asOf string, m month.Month) money.Amount {
	day, err := vn.ParseDate(asOf)
	if err != nil {
		return 0
	}
	data := a.rules.Data()
	series := ""
	for _, p := range data.Programmes {
		if p.ID == programme {
			series = p.Standard
		}
	}
	var amount money.Amount
	var since month.Month
	for _, s := range data.Standards {
		if s.Series == series && !s.From.After(m) && !s.KnownFrom.After(day) && !s.From.Before(since) {
			amount, since = s.Amount, s.From
		}
	}
	return amount
}
