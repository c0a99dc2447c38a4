package accounts_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/accounts"
)

// office is the service as a client sees it, with a disbursement service of which only one answer is there.
type office struct {
	*servicetest.Service

	money *money
	// policy takes the place of the program's own; nil leaves it.
	policy *policy.Policy
}

// noon is when tests happen: a Saturday at 14:00.
var noon = time.Date(2026, 11, 21, 14, 0, 0, 0, time.FixedZone("+07", 7*3600)) //nolint:gochecknoglobals // a constant

// The banks of the tests.
const (
	vietin = "ICBVVNVX"
	bidv   = "BIDVVNVX"
)

// prepare makes a database and topics, and starts nothing.
func prepare(t *testing.T) *office {
	t.Helper()
	o := &office{
		Service: servicetest.Prepare(t, servicetest.Options{Name: accounts.Name, At: noon, Staff: staff()}), money: newMoney(t),
	}
	o.topics(t)
	return o
}

// topics makes those of the neighbours, so that nobody has to wait until they are noticed.
func (o *office) topics(t *testing.T) {
	t.Helper()
	bus, err := kafkabus.Connect(kafkabus.Settings{
		Brokers: o.Config.Brokers, User: o.Config.KafkaUser, Password: o.Config.KafkaPassword, ClientID: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	for _, name := range []string{"identity", "bankgateway"} {
		if err := kafkabus.EnsureTopic(t.Context(), bus, o.Config.Topics+"."+name+".v1", partitions, -1); err != nil {
			t.Fatal(err)
		}
	}
}

// partitions is what services have; see foundation.
const partitions = 6

// open starts the service.
func open(t *testing.T) *office {
	t.Helper()
	o := prepare(t)
	o.start(t)
	return o
}

// start runs the service until the function that it returns is called.
func (o *office) start(t *testing.T) (stop func()) {
	t.Helper()
	return o.Start(t, func(ctx context.Context, deps service.Deps) (service.Service, error) {
		if o.policy != nil {
			deps.API.Policy = o.policy
		}
		return accounts.NewWith(ctx, deps, accounts.Config{
			DisbursementURL: o.money.url, DisbursementToken: "token", GatewayURL: o.money.url, GatewayToken: "token",
		})
	})
}

// staff are the people and programs with keys. "maker" and "maker_approves" are one person in two roles.
func staff() map[string]access.Principal {
	return map[string]access.Principal{
		"maker":          {ID: "lan", Role: access.LISAOfficer, Unit: "00004"},
		"maker_approves": {ID: "lan", Role: access.Approver, Unit: "00004", SecondFactor: true},
		"colleague":      {ID: "mai", Role: access.LISAOfficer, Unit: "00004"},
		"chairman":       {ID: "hung", Role: access.Approver, Unit: "00004", SecondFactor: true},
		"accountant":     {ID: "thu", Role: access.Accountant, Unit: "00004"},
		"province":       {ID: "dung", Role: access.LISAOfficer, Unit: "01"},
		"stranger":       {ID: "minh", Role: access.LISAOfficer, Unit: "00008"},
		"far_chairman":   {ID: "son", Role: access.Approver, Unit: "79", SecondFactor: true},
		"steering":       {ID: "tinh", Role: access.Steering, Unit: "01"},
		"auditor":        {ID: "audit", Role: access.Auditor},
		"admin":          {ID: "root", Role: access.Admin},
		"gateway":        {ID: "bankgateway", Role: access.Service},
	}
}

type object = map[string]any

// personOf is a citizen whose number agrees with the rest. Different serials are different people.
func personOf(name string, serial int) object {
	return object{
		"full_name": name, "birth_date": "1950-01-15", "sex": "male",
		"document":  object{"type": "citizen_id", "number": fmt.Sprintf("001050%06d", serial)},
		"residence": object{"text": "12 Đội Cấn", "unit": "00004"}, "phone": "+84912345678",
	}
}

func fileOf(name string, serial int) object {
	return object{"person": personOf(name, serial), "file_number": fmt.Sprintf("BTXH-%d", serial), "unit": "00004"}
}

// register registers a beneficiary as the maker and returns the id.
func (o *office) register(t *testing.T, serial int) string {
	t.Helper()
	made := o.Post(t, "maker", "/beneficiaries", fmt.Sprint("register-", serial), fileOf("Nguyễn Văn An", serial))
	made.Want(t, http.StatusCreated)
	return made.Text(t, "id")
}

// issue drafts, submits and approves a batch, and waits until its accounts were requested.
func (o *office) issue(t *testing.T, key, bank string, members ...string) string {
	t.Helper()
	body := object{"unit": "00004", "bank": bank}
	if len(members) > 0 {
		body["beneficiaries"] = members
	}
	made := o.Post(t, "maker", "/issuances", key, body)
	made.Want(t, http.StatusCreated)
	id := made.Text(t, "id")
	o.approve(t, key, id)
	return id
}

// approve brings a draft to its requests.
func (o *office) approve(t *testing.T, key, id string) {
	t.Helper()
	o.Post(t, "maker", "/issuances/"+id+"/submission", key+"-s", object{}).Want(t, http.StatusOK)
	o.Post(t, "chairman", "/issuances/"+id+"/approval", key+"-a", object{}).Want(t, http.StatusOK)
	testkit.Eventually(t, func() error {
		if got := o.Get(t, "maker", "/issuances/"+id, "").Text(t, "status"); got != "requested" {
			return fmt.Errorf("issuance %s is %s", id, got)
		}
		return nil
	})
}

// status waits until a beneficiary's latest account has a status.
func (o *office) status(t *testing.T, id, want string) {
	t.Helper()
	testkit.Eventually(t, func() error {
		var b beneficiaryView
		o.Get(t, "maker", "/beneficiaries/"+id, "").Into(t, &b)
		if b.Account == nil || b.Account.Status != want {
			return fmt.Errorf("the account is %+v, want %s", b.Account, want)
		}
		return nil
	})
}

type accountView struct {
	ID, Bank, Status, Reason, Issuance string
	HolderMatch                        string `json:"holder_match"`
}

type personView struct {
	FullName string `json:"full_name"`
}

type beneficiaryView struct {
	ID, Unit, Identity     string
	DiedOn                 string `json:"died_on"`
	MayHold                bool   `json:"may_hold"`
	Account                *accountView
	Accounts               []accountView
	Person, Representative *personView
	Warnings               []struct{ Code string }
	Erased, Unreadable     bool
}
