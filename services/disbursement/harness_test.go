package disbursement_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/disbursement"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

// noon is when tests happen: a Saturday at 12:00, so that lists of November and December can be drafted.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.FixedZone("+07", 7*3600)) //nolint:gochecknoglobals // a constant

// unit and other are two communes of Hà Nội.
var (
	unit  = events.Unit{Code: "00004", ValidFrom: "2025-07-01"} //nolint:gochecknoglobals // a constant
	other = events.Unit{Code: "00008", ValidFrom: "2025-07-01"} //nolint:gochecknoglobals // a constant
)

// office is the service as its officers see it, with an accounts service of which only the facts and the answers are there.
type office struct {
	*servicetest.Service

	people *people
	// apart is for an operator with two treasurers.
	apart bool
	// policy takes the place of the program's own; nil leaves it.
	policy *policy.Policy
	// warnings hears what the API says to the log, if somebody listens.
	warnings zapcore.Core
	// queued tells how many appends wait for the writer of the log.
	queued func() float64
	stop   func()
}

// open starts everything.
func open(t testing.TB) *office {
	t.Helper()
	o := &office{Service: servicetest.Prepare(t, servicetest.Options{Name: disbursement.Name, At: noon, Staff: staff()})}
	o.people = newPeople(t, o.Service)
	o.start(t)
	return o
}

// start runs the service until stop is called.
func (o *office) start(t testing.TB) {
	t.Helper()
	o.stop = o.Start(t, func(ctx context.Context, deps service.Deps) (service.Service, error) {
		o.queued = func() (n float64) {
			families, err := deps.Metrics.Gather()
			if err != nil {
				t.Error(err)
			}
			for _, f := range families {
				if f.GetName() == "eventstore_waiting_commands" {
					n += f.GetMetric()[0].GetGauge().GetValue()
				}
			}
			return n
		}
		if o.policy != nil {
			deps.API.Policy = o.policy
		}
		if o.warnings != nil {
			deps.API.Log = zap.New(zapcore.NewTee(deps.API.Log.Core(), o.warnings))
		}
		return disbursement.NewWith(ctx, deps, disbursement.Config{
			AccountsURL: o.people.url, AccountsToken: "token", LookBack: 12, Silence: 15 * time.Minute, TwoTreasurers: o.apart,
		})
	})
}

// staff are the officers of the commune and of the province, and others with keys of their own.
func staff() map[string]access.Principal {
	return map[string]access.Principal{
		"lisa":          {ID: "lisa", Role: access.LISAOfficer, Unit: "00004"},
		"accountant":    {ID: "an", Role: access.Accountant, Unit: "00004"},
		"approver":      {ID: "chi", Role: access.Approver, Unit: "00004", SecondFactor: true},
		"treasurer":     {ID: "tam", Role: access.Treasurer, Unit: "00004", SecondFactor: true},
		"cashier":       {ID: "thu", Role: access.Treasurer, Unit: "00004", SecondFactor: true},
		"lisa-2":        {ID: "an", Role: access.LISAOfficer, Unit: "00004"}, // the accountant's second key
		"stranger":      {ID: "sang", Role: access.LISAOfficer, Unit: "00008"},
		"nowhere":       {ID: "nam", Role: access.LISAOfficer},
		"province-lisa": {ID: "plisa", Role: access.LISAOfficer, Unit: "01"}, "province-accountant": {ID: "pan", Role: access.Accountant, Unit: "01"},
		"province-approver": {ID: "pchi", Role: access.Approver, Unit: "01", SecondFactor: true}, "province-treasurer": {ID: "ptam", Role: access.Treasurer, Unit: "01", SecondFactor: true},
		"admin": {ID: "root", Role: access.Admin}, "auditor": {ID: "aud", Role: access.Auditor}, "accounts": {ID: "accounts", Role: access.Service},
	}
}

// someone registers a person of 70 with an account, or without when the bank is empty.
func (o *office) someone(t testing.TB, id string, in events.Unit, bank string) {
	t.Helper()
	o.people.know(profile{Beneficiary: id, Unit: in, Mark: "m" + id, BirthDate: "1956-03-10"})
	facts := []events.Event{
		accounts.BeneficiaryRegistered{Beneficiary: id, Unit: in, FileNumber: "F/" + id, Person: "p" + id, Mark: "m" + id},
		accounts.BeneficiaryIdentified{Beneficiary: id, Person: "p" + id, Result: "matched"},
	}
	if bank != "" {
		facts = append(facts, accountOf(id, bank, 1, "k"+id)...)
	}
	o.people.tell(t, id, facts...)
}

// accountOf are the facts of an account that a bank opened.
func accountOf(id, bank string, ordinal int, mark string) []events.Event {
	account := fmt.Sprintf("%s-%d", id, ordinal)
	return []events.Event{
		accounts.AccountRequested{Account: account, Beneficiary: id, Bank: bank, Person: "p" + id, Holder: "p" + id},
		accounts.AccountOpened{
			Account: account, Beneficiary: id, Bank: bank, Number: "n" + account, Mark: mark, Holder: "p" + id, HolderMatch: "match",
		},
	}
}

type object = map[string]any

// decision is an enrolment as an officer posts it.
func decision(beneficiary, programme, category, signed string) object {
	return object{
		"beneficiary": beneficiary, "programme": programme, "category": category,
		"decision": object{"number": "12/QĐ-UBND", "signed_on": signed},
	}
}

// enrol grants somebody a programme and returns the id.
func (o *office) enrol(t testing.TB, actor string, body object) string {
	t.Helper()
	made := o.Post(t, actor, "/enrolments", fmt.Sprint("enrol-", body["beneficiary"], body["category"]), body)
	made.Want(t, http.StatusCreated)
	return made.Text(t, "id")
}

// seen waits until the facts of accounts are in the read model.
func (o *office) seen(t testing.TB, condition string) {
	t.Helper()
	testkit.Eventually(t, func() error {
		var ok bool
		if err := o.Pool.QueryRow(t.Context(), `select count(*) >= $1 and coalesce(bool_and(`+condition+`), false) from beneficiaries`, o.people.count()).Scan(&ok); err != nil || !ok {
			return fmt.Errorf("not seen: %s (%w)", condition, err)
		}
		return nil
	})
}

// draft drafts a list and waits until it is computed.
func (o *office) draft(t testing.TB, actor, code, programme, month string) servicetest.Answer {
	t.Helper()
	made := o.Post(t, actor, "/payrolls", fmt.Sprint("draft-", code, programme, month, actor, time.Now().UnixNano()), object{"unit": code, "programme": programme, "month": month})
	made.Want(t, http.StatusCreated)
	return o.computed(t, actor, made.Text(t, "id"))
}

func (o *office) computed(t testing.TB, actor, id string) (list servicetest.Answer) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if list = o.Get(t, actor, "/payrolls/"+id, ""); list.Status != http.StatusOK || list.Text(t, "hash") == "" {
			return fmt.Errorf("answered %d: %s", list.Status, list.Body)
		}
		return nil
	})
	return list
}

// step takes a list one step further.
func (o *office) step(t testing.TB, actor, id, step string, body any) servicetest.Answer {
	t.Helper()
	return o.Post(t, actor, "/payrolls/"+id+"/"+step, fmt.Sprint(step, "-", id, "-", actor, time.Now().UnixNano()), body)
}

// approved takes a drafted list to its approval, and funds it.
func (o *office) approved(t testing.TB, id, prefix string) {
	t.Helper()
	for _, s := range []struct{ actor, step string }{{"lisa", "submission"}, {"accountant", "check"}, {"approver", "approval"}} {
		o.step(t, prefix+s.actor, id, s.step, object{}).Want(t, http.StatusOK)
	}
}

func (o *office) funded(t testing.TB, id, prefix string) {
	t.Helper()
	var list struct{ Payable int64 }
	o.Get(t, prefix+"treasurer", "/payrolls/"+id, "").Into(t, &list)
	o.step(t, prefix+"treasurer", id, "funding", object{"amount": list.Payable, "reference": "KB/" + id[:6]}).Want(t, http.StatusOK)
}
