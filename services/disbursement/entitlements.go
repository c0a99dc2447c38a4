package disbursement

import (
	"context"
	"errors"
	"slices"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/clerk"
)

// AskEntitlement says which month, and as known on which day.
type AskEntitlement struct {
	Month string `query:"month" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" doc:"the present month when left out"`
	AsOf  string `query:"as_of" format:"date" doc:"today when left out"`
}

// Entitlement is a person's right for a month, with the proof. Who only pays sees the amount.
type Entitlement struct {
	Beneficiary string       `json:"beneficiary"`
	Month       string       `json:"month"`
	AsOf        string       `json:"as_of" doc:"the day whose law and knowledge were used"`
	Rules       string       `json:"rules" doc:"version of the rules"`
	Amount      money.Amount `json:"amount" doc:"dong"`
	Chosen      []ChosenLine `json:"chosen" doc:"how the amount is made up; empty for roles that the circumstances of people are not for"`
	Rejected    []Rejection  `json:"rejected" doc:"what was examined and does not count; empty for the same roles"`
	LegalBasis  []string     `json:"legal_basis" doc:"empty for the same roles"`
	Unverified  bool         `json:"unverified,omitzero" doc:"one of the sources could not be checked"`
	Method      string       `json:"method" enum:"account,cash" doc:"how a list that is drafted now would pay it"`
	CashReason  string       `json:"cash_reason,omitzero" doc:"why not by account"`
}

// ChosenLine is an amount that counts, as it is computed.
type ChosenLine struct {
	Enrolment   string       `json:"enrolment"`
	Programme   string       `json:"programme"`
	Rule        string       `json:"rule"`
	Standard    money.Amount `json:"standard"`
	Province    string       `json:"province,omitzero" doc:"where the standard is the province's"`
	Coefficient string       `json:"coefficient"`
	Times       int          `json:"times"`
	Amount      money.Amount `json:"amount"`
}

// Rejection is something that does not count, and why.
type Rejection struct {
	Enrolment string       `json:"enrolment"`
	Rule      string       `json:"rule,omitzero"`
	Amount    money.Amount `json:"amount,omitzero"`
	Reason    string       `json:"reason"`
	Text      string       `json:"text"`
	TextVI    string       `json:"text_vi"`
}

func (a *app) entitled(ctx context.Context, c httpapi.Call[AskEntitlement]) (Entitlement, error) {
	file, found, err := projections.OneBeneficiary(ctx, a.pool, c.Path("beneficiary"))
	if err != nil {
		return Entitlement{}, err
	}
	if !found || !c.Pass.May(thing(file.Unit())) {
		return Entitlement{}, problem.New(problem.NotFound, "beneficiary_unknown", "there is no such beneficiary", "không có người hưởng này")
	}
	day := vn.DateOf(c.Meta.At)
	if asked, err := vn.ParseDate(c.In.AsOf); err == nil {
		day = asked
	}
	m := month.Of(day)
	if asked, err := month.Parse(c.In.Month); err == nil {
		m = asked
	}
	why, err := foundation.ReadFor(c.Pass, "entitlement", file.Beneficiary)
	if err != nil {
		return Entitlement{}, err
	}
	granted, err := a.clerk.Entitled(ctx, clerk.Question{Mark: file.Mark, Month: m, AsOf: day, Reading: why})
	if errors.Is(err, clerk.ErrUnreadable) {
		return Entitlement{}, problem.Reject("profile_unreadable", "what the rules ask for about the person cannot be read",
			"không đọc được dữ liệu cần để tính mức hưởng")
	}
	if err != nil {
		return Entitlement{}, err
	}
	answer := a.viewEntitlement(granted, c.Who)
	answer.Beneficiary, answer.AsOf, answer.Rules = file.Beneficiary, day.String(), a.rules.Version()
	answer.Method, answer.CashReason = payroll.ByAccount, file.CashReason()
	if answer.CashReason != "" {
		answer.Method = payroll.InCash
	}
	return answer, nil
}

// viewEntitlement shows how an amount was computed. The category may tell of an illness, and a gap where others have a rule
// would tell the same: those who only pay learn the amount of everybody and how it was made of nobody.
func (a *app) viewEntitlement(granted entitlement.Entitlement, who access.Principal) Entitlement {
	v := Entitlement{
		Month: granted.Month.String(), Amount: granted.Total(), Chosen: []ChosenLine{}, Rejected: []Rejection{}, LegalBasis: []string{},
	}
	if !a.disclosure.Sees("entitlement.lines", privacy.Reader{Role: who.Role}) {
		return v // not even unverified: that is so of some categories only
	}
	for _, line := range granted.Lines {
		v.add(line)
	}
	for _, r := range granted.Rejected {
		text, textVI := r.Reason.Texts()
		v.Rejected = append(v.Rejected, Rejection{
			Enrolment: r.Enrolment, Rule: r.Rule, Amount: r.Amount, Reason: string(r.Reason), Text: text, TextVI: textVI,
		})
	}
	return v
}

// add shows a line with its legal basis.
func (v *Entitlement) add(line entitlement.Line) {
	v.Chosen = append(v.Chosen, ChosenLine{
		Enrolment: line.Enrolment, Programme: line.Programme, Standard: line.Standard, Province: line.Province,
		Rule: line.Rule, Coefficient: line.Coefficient, Times: line.Times, Amount: line.Amount,
	})
	v.Unverified = v.Unverified || line.Unverified
	for _, basis := range line.LegalBasis {
		if !slices.Contains(v.LegalBasis, basis) {
			v.LegalBasis = append(v.LegalBasis, basis)
		}
	}
}

// proofOf reads how a line was computed. The reading is recorded.
func (a *app) proofOf(ctx context.Context, who vault.Reading, l projections.Line) (*clerk.Proof, error) {
	if l.Proofs == "" {
		return nil, nil
	}
	found, err := a.vault.Read(ctx, who, vault.Ref(l.Proofs))
	if err != nil {
		return nil, err
	}
	plain, there := found[vault.Ref(l.Proofs)]
	if !there {
		return nil, nil
	}
	proofs, err := clerk.Proofs(plain)
	if err != nil || l.Proof >= len(proofs) || proofs[l.Proof].Payment != l.Payment {
		return nil, errors.Join(err, errors.New("the proof of the line is not where it should be"))
	}
	return &proofs[l.Proof], nil
}
