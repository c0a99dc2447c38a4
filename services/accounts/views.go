package accounts

import (
	"strings"
	"time"

	facts "github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/vn/person"
	"github.com/songan-vn/songan/services/accounts/internal/beneficiary"
	"github.com/songan-vn/songan/services/accounts/internal/projections"
)

// Beneficiary is a beneficiary as the service answers with them.
type Beneficiary struct {
	ID             string         `json:"id"`
	Unit           string         `json:"unit"`
	FileNumber     string         `json:"file_number"`
	DocumentType   string         `json:"document_type"`
	Identity       string         `json:"identity" enum:"pending,matched,mismatched,not_found,unavailable"`
	IdentityFields []string       `json:"identity_fields,omitempty" doc:"what differs from the population database"`
	MayHold        bool           `json:"may_hold" doc:"could hold an account themselves when they were registered"`
	Represented    bool           `json:"represented" doc:"a representative receives for them"`
	DiedOn         string         `json:"died_on,omitzero"`
	DeathReported  *DeathReport   `json:"death_reported,omitzero" doc:"a bank says that the holder died; record the death, or dismiss the report"`
	RegisteredBy   string         `json:"registered_by"`
	Account        *Account       `json:"account,omitzero" doc:"the latest account, or the request for it"`
	Accounts       []Account      `json:"accounts,omitempty" doc:"all there ever were; only where one beneficiary is read"`
	Warnings       []Warning      `json:"warnings"`
	Person         *person.Person `json:"person,omitzero" doc:"only where the caller may read the person"`
	Representative *person.Person `json:"representative,omitzero" doc:"only where the caller may read the person"`
	Erased         bool           `json:"erased,omitzero" doc:"the person was erased from the vault"`
	Unreadable     bool           `json:"unreadable,omitzero" doc:"the person's row was damaged or tampered with"`
}

// DeathReport is a bank's word that somebody died, which nobody has decided about.
type DeathReport struct {
	Account string `json:"account"`
	Of      string `json:"of" enum:"beneficiary,representative" doc:"who holds the account"`
}

// Account is an account, a request for one, or a member of a draft, as the service answers with it.
type Account struct {
	ID          string    `json:"id,omitzero" doc:"absent until the bank is asked"`
	Beneficiary string    `json:"beneficiary"`
	Unit        string    `json:"unit"`
	Issuance    string    `json:"issuance,omitzero"`
	Bank        string    `json:"bank" doc:"BIC"`
	Status      string    `json:"status" enum:"drafted,requested,needs_information,refused,opened,active,suspended,blocked,closed,left_out"`
	Reason      string    `json:"reason,omitzero" doc:"a code: of the bank, or name_differs, name_close (an officer has to confirm the holder), died, replaced, death_reported, representative_changed"`
	HolderMatch string    `json:"holder_match,omitzero" enum:"match,close_match" doc:"how the bank's holder name compares with ours"`
	ChangedAt   time.Time `json:"changed_at,omitzero"`
}

// Warning is something unusual that was accepted.
type Warning struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	MessageVI string `json:"message_vi"`
}

func doneBeneficiary(out eventstore.Outcome[beneficiary.Beneficiary], err error) (httpapi.Done[Beneficiary], error) {
	if err != nil {
		return httpapi.Done[Beneficiary]{}, err
	}
	return httpapi.Done[Beneficiary]{Answer: viewBeneficiary(out.State), Position: out.Position, Replayed: out.Replayed}, nil
}

func viewBeneficiary(b beneficiary.Beneficiary) Beneficiary {
	v := Beneficiary{
		ID: b.Beneficiary, Unit: b.Unit.Code, FileNumber: b.FileNumber, DocumentType: b.DocumentType,
		Identity: b.Identity, IdentityFields: b.IdentityFields, MayHold: b.MayHold, Represented: b.Representative != "",
		DiedOn: b.DiedOn, RegisteredBy: b.By,
	}
	if b.Reported.Account != "" {
		v.DeathReported = &DeathReport{Account: b.Reported.Account, Of: b.Reported.Of}
	}
	for _, a := range b.Accounts {
		v.Accounts = append(v.Accounts, viewAccount(a))
	}
	if n := len(v.Accounts); n > 0 {
		v.Account = &v.Accounts[n-1]
	}
	v.Warnings = warnings(v)
	return v
}

// warnings are what is unusual about a beneficiary but accepted.
func warnings(v Beneficiary) []Warning {
	if v.MayHold || v.Represented {
		return []Warning{}
	}
	return []Warning{{
		Code: "representative_missing", Message: "cannot hold an account; without a representative they are paid in cash",
		MessageVI: "chưa đủ điều kiện tự mở tài khoản; không có người nhận thay thì chi trả bằng tiền mặt",
	}}
}

func viewAccount(a beneficiary.Account) Account {
	return Account{
		ID: a.Account, Beneficiary: a.Beneficiary, Unit: a.Unit.Code, Issuance: a.Issuance, Bank: a.Bank,
		Status: a.Status, Reason: a.Reason, HolderMatch: a.HolderMatch,
	}
}

// viewRow is a beneficiary of a list.
func viewRow(row projections.Beneficiary) Beneficiary {
	state := beneficiary.Beneficiary{
		BeneficiaryRegistered: facts.BeneficiaryRegistered{
			Beneficiary: row.Beneficiary, FileNumber: row.FileNumber, DocumentType: row.DocumentType, MayHold: row.MayHold,
			Representative: row.Representative, By: row.By,
		},
		Identity: row.Identity, IdentityFields: row.IdentityFields, DiedOn: row.DiedOn,
		Reported: facts.DeathReported{Account: row.ReportedAccount, Of: row.ReportedOf},
	}
	v := viewBeneficiary(state)
	v.Unit = unitCode(row.Unit)
	if row.Account != "" {
		v.Account = &Account{
			ID: row.Account, Beneficiary: row.Beneficiary, Unit: v.Unit, Bank: row.AccountBank, Status: row.AccountStatus, Reason: row.AccountReason,
		}
	}
	return v
}

func unitCode(key string) string {
	code, _, _ := strings.Cut(key, "@")
	return code
}
