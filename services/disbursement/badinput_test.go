package disbursement_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/songan-vn/songan/libs/service/servicetest"
)

// Amounts that are no dong and months that are none: each is refused with what is wrong where, and leaves nothing behind.
func TestAmountsAndMonthsThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	o, _, rights := everybody(t, 1)
	list := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	o.approved(t, list, "")
	before := o.facts(t)
	funding := func(amount string) (string, string) {
		return "/payrolls/" + list + "/funding", `{"amount":` + amount + `,"reference":"KB-1"}`
	}
	month := func(m string) (string, string) {
		return "/payrolls", `{"unit":"00004","programme":"social_assistance","month":` + m + `}`
	}
	stop := func(m string) (string, string) {
		return "/enrolments/" + rights["b0"] + "/stop", `{"reason":"x","from_month":` + m + `}`
	}
	for _, c := range []struct {
		actor string
		of    func(string) (path, body string)
		what  string
		fault string
	}{
		{"treasurer", funding, `810000.5`, "/amount invalid_value"},
		{"treasurer", funding, `810000.0`, "/amount invalid_value"},
		{"treasurer", funding, `8.1e5`, "/amount invalid_value"},
		{"treasurer", funding, `"810000"`, "/amount invalid_value"},
		{"treasurer", funding, `null`, "/amount required"},
		{"treasurer", funding, `-1`, "/amount amount_not_positive"},
		{"treasurer", funding, `0`, "/amount amount_not_positive"},
		{"treasurer", funding, `1000000000000001`, "/amount funds_exceed_total"},
		{"treasurer", funding, `9223372036854775808`, "/amount invalid_value"},
		{"treasurer", funding, `810001`, "/amount funds_exceed_total"},
		{"lisa", month, `"2026-13"`, "/month wrong_format"},
		{"lisa", month, `"2026-00"`, "/month wrong_format"},
		{"lisa", month, `"2026-1"`, "/month wrong_format"},
		{"lisa", month, `"11/2026"`, "/month wrong_format"},
		{"lisa", month, `"2026-11-01"`, "/month wrong_format"},
		{"lisa", month, `""`, "/month blank"},
		{"lisa", month, `202611`, "/month wrong_type"},
		{"lisa", stop, `"2026-13"`, "/from_month wrong_format"},
		{"lisa", stop, `"tháng 11"`, "/from_month wrong_format"},
	} {
		path, body := c.of(c.what)
		refused := o.Send(t, servicetest.Request{
			Method: http.MethodPost, Actor: c.actor, Path: path, Body: []byte(body),
			Header: http.Header{"Idempotency-Key": {"bad-" + fmt.Sprintf("%x", path+c.what)}, "Content-Type": {"application/json"}},
		})
		if diff := cmp.Diff([]string{c.fault}, refused.Faults(t)); diff != "" || refused.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %v %s", c.what, refused.Status, refused.Faults(t), diff)
		}
		if plain := strings.Trim(c.what, `"`); len(plain) > len("2026-1") && strings.Contains(string(refused.Body), plain) {
			t.Errorf("the answer repeats %s: %s", plain, refused.Body)
		}
	}
	for _, query := range []string{"/payrolls?month=2026-13", "/entitlements/b0?month=11-2026", "/cashless?month=2026-1"} {
		if refused := o.Get(t, "lisa", query, ""); refused.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", query, refused.Status, refused.Body)
		}
	}
	if after := o.facts(t); after != before {
		t.Errorf("%d facts were stored", after-before)
	}
	var left struct{ Funded int64 }
	if err := json.Unmarshal(o.Get(t, "treasurer", "/payrolls/"+list, "").Body, &left); err != nil || left.Funded != 0 {
		t.Errorf("the list is funded with %d (%v)", left.Funded, err)
	}
}

// facts counts what stands in the log.
func (o *office) facts(t *testing.T) (n int) {
	t.Helper()
	if err := o.Pool.QueryRow(t.Context(), `select count(*) from events`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A maker, a checker who approves, and a release without money: refused by the person or the state, and nothing is half done.
func TestWhoMayNotAndWhatIsTooEarlyLeavesTheListAsItWas(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 1)
	list := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	o.step(t, "lisa", list, "submission", object{}).Want(t, http.StatusOK)
	refuse := func(actor, step, code string) {
		t.Helper()
		before := o.facts(t)
		refused := o.step(t, actor, list, step, object{})
		if refused.Status < http.StatusBadRequest || refused.Text(t, "code") != code {
			t.Errorf("%s by %s: %d %s", step, actor, refused.Status, refused.Body)
		}
		if o.facts(t) != before {
			t.Errorf("%s by %s left facts behind", step, actor)
		}
	}
	refuse("lisa", "approval", "role_not_allowed")
	refuse("approver", "approval", "payroll_state")
	o.step(t, "accountant", list, "check", object{}).Want(t, http.StatusOK)
	refuse("lisa-2", "approval", "role_not_allowed")
	refuse("treasurer", "release", "payroll_state")
	o.step(t, "approver", list, "approval", object{}).Want(t, http.StatusOK)
	refuse("treasurer", "release", "insufficient_funds")
	o.funded(t, list, "")
	refuse("approver", "release", "role_not_allowed")
	o.step(t, "treasurer", list, "release", object{}).Want(t, http.StatusOK)
	o.becomes(t, list, "b0", "released")
	refuse("cashier", "release", "payroll_released")
	o.audited(t, g)
}

// What somebody tried and may not leaves no fact: the reviewer has the log, also where it keeps nothing below warnings. Each
// attempt is a line with who, where and why, and nothing that was sent. Who only looks is not among them.
func TestWhoTriesWhatIsRefusedIsAWarningInTheLog(t *testing.T) {
	t.Parallel()
	o, _, _ := everybody(t, 1)
	core, logs := observer.New(zapcore.WarnLevel)
	o.stop()
	o.warnings = core
	o.start(t)
	o.people.know(profile{Beneficiary: "dead", Unit: unit, Mark: "mdead", BirthDate: "1950", DiedOn: "2026-11-01"})
	list := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	o.step(t, "lisa-2", list, "submission", object{}).Want(t, http.StatusOK)
	o.step(t, "accountant", list, "check", object{}).Want(t, http.StatusUnprocessableEntity)
	o.step(t, "province-accountant", list, "check", object{}).Want(t, http.StatusOK)
	o.step(t, "lisa", list, "approval", object{}).Want(t, http.StatusForbidden)
	o.step(t, "approver", list, "approval", object{}).Want(t, http.StatusOK)
	o.step(t, "treasurer", list, "release", object{}).Want(t, http.StatusUnprocessableEntity)
	o.Post(t, "lisa", "/enrolments", "dead", decision("dead", "social_assistance", "c5a", "2026-11-02")).Want(t, http.StatusUnprocessableEntity)
	o.Post(t, "lisa", "/enrolments/batch", "dead-too", []any{decision("dead", "social_assistance", "c5a", "2026-11-02"), object{}}).Want(t, http.StatusOK)
	o.Get(t, "lisa", "/payrolls?month=2026-13", "").Want(t, http.StatusUnprocessableEntity)
	o.Get(t, "nowhere", "/payrolls/"+list, "").Want(t, http.StatusForbidden)

	got := []string{}
	for _, line := range logs.All() {
		fields := line.ContextMap()
		got = append(got, fmt.Sprint(line.Level, " ", fields["actor"], " ", fields["route"], " ", fields["status"], " ", fields["code"], " ", fields["faults"]))
		for _, sent := range []string{list, "dead", "mdead", "12/QĐ-UBND"} {
			if strings.Contains(fmt.Sprint(line.Message, fields), sent) {
				t.Errorf("%q is in the log: %v", sent, fields)
			}
		}
	}
	if diff := cmp.Diff([]string{
		"warn officer:an POST /disbursement/v1/payrolls/{id}/check 422 same_person <nil>",
		"warn officer:lisa POST /disbursement/v1/payrolls/{id}/approval 403 role_not_allowed <nil>",
		"warn officer:tam POST /disbursement/v1/payrolls/{id}/release 422 insufficient_funds <nil>",
		"warn officer:lisa POST /disbursement/v1/enrolments 422 invalid_body [beneficiary_died]",
		"warn officer:lisa POST /disbursement/v1/enrolments/batch 200 <nil> [beneficiary_died required]",
	}, got); diff != "" {
		t.Error(diff)
	}
}
