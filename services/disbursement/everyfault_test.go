package disbursement_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/service/servicetest"
)

// What is wrong with the form of a request, by the clock, and by what is recorded elsewhere is one answer.
func TestChangesAreToldEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	o := open(t)
	for _, id := range []string{"b0", "b1"} {
		o.someone(t, id, unit, "")
		o.enrol(t, "lisa", decision(id, "social_assistance", "c5a", "2026-11-02"))
	}
	right := o.enrol(t, "lisa", decision("b0", "social_pension", "social_pension", "2026-11-02"))
	o.seen(t, `identity = 'matched'`)
	list := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	next := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.approved(t, list, "")
	o.approved(t, next, "")
	o.step(t, "treasurer", list, "funding", object{"amount": 2 * amount, "reference": "KB-1"}).Want(t, http.StatusOK)
	o.step(t, "treasurer", list, "release", object{}).Want(t, http.StatusOK)
	o.becomes(t, list, "b0", "cash_pending")
	o.becomes(t, list, "b1", "cash_pending")
	payments := o.payments(t, list)
	o.Post(t, "cashier", "/payments/"+payments["b0"].ID+"/cash", "b0", object{"collected_on": "2026-11-21", "receipt": "PC-1"}).Want(t, http.StatusOK)
	before := o.facts(t)

	for _, c := range []struct {
		actor, path string
		body        object
		faults      []string
	}{
		{"treasurer", "/payrolls/" + next + "/funding", object{"amount": 3 * amount, "reference": "KB-1"}, []string{"/amount funds_exceed_total", "/reference reference_used"}},
		{"treasurer", "/payrolls/" + next + "/funding", object{"amount": "1", "reference": "KB-1"}, []string{"/amount invalid_value", "/reference reference_used"}},
		{"treasurer", "/payrolls/" + next + "/funding", object{"amount": 3 * amount}, []string{"/amount funds_exceed_total", "/reference required"}},
		{
			"treasurer", "/payrolls/" + next + "/funding",
			object{"amount": 3 * amount, "reference": "KB-1", "bank": "x"},
			[]string{"/amount funds_exceed_total", "/bank unknown_field", "/reference reference_used"},
		},
		{
			"cashier", "/payments/" + payments["b1"].ID + "/cash",
			object{"collected_on": "2026-11-22", "receipt": "#"},
			[]string{"/collected_on collected_in_future", "/receipt wrong_format"},
		},
		{
			"cashier", "/payments/" + payments["b1"].ID + "/cash",
			object{"collected_on": "2026-11-21", "receipt": "PC-1", "by": "x"},
			[]string{"/by unknown_field", "/receipt reference_used"},
		},
		{"lisa", "/payrolls", object{"unit": "00008", "programme": "lottery", "month": "2026"}, []string{"/month wrong_format", "/programme programme_unknown", "/unit unit_not_yours"}},
		{"lisa", "/enrolments/" + right + "/stop", object{"from_month": "2029-01"}, []string{"/from_month month_too_far", "/reason required"}},
		{"lisa", "/enrolments/" + right + "/stop", object{"from_month": "0000-01"}, []string{"/from_month month_impossible", "/reason required"}},
		{"lisa", "/enrolments/" + right + "/suspension", object{"from_month": "2026-01"}, []string{"/from_month month_before_right", "/reason required"}},
		{"stranger", "/enrolments/" + right + "/suspension", object{"from_month": "2026-01"}, []string{"/reason required"}},
	} {
		refused := o.Post(t, c.actor, c.path, "bad", c.body)
		refused.Want(t, http.StatusUnprocessableEntity)
		got := refused.Faults(t)
		slices.Sort(got)
		if diff := cmp.Diff(c.faults, got); diff != "" {
			t.Errorf("%s with %v: %s", c.path, c.body, diff)
		}
	}
	if after := o.facts(t); after != before {
		t.Errorf("%d facts were stored", after-before)
	}
	o.Post(t, "lisa", "/enrolments/"+right+"/suspension", "suspend", object{"from_month": "2026-12", "reason": "x"}).Want(t, http.StatusOK)
	late := o.Post(t, "lisa", "/enrolments/"+right+"/resumption", "late", object{"from_month": "2026-11", "by": "x"})
	if diff := cmp.Diff([]string{"/by unknown_field", "/from_month month_before_suspension"}, late.Faults(t)); diff != "" {
		t.Error(diff)
	}
}

// A list of decisions is told the same of each of them.
func TestABatchOfDecisionsIsToldEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	o := open(t)
	const bad = `{"beneficiary":"nobody","programme":"lottery","category":"c9","amount":1,"decision":{"number":"1","signed_on":"2030-01-01"}}`
	for media, body := range map[string]string{"application/json": "[" + bad + "]", "application/x-ndjson": bad} {
		answered := o.Send(t, servicetest.Request{
			Method: http.MethodPost, Actor: "lisa", Path: "/enrolments/batch", Body: []byte(body),
			Header: http.Header{"Content-Type": {media}, "Idempotency-Key": {media}},
		})
		answered.Want(t, http.StatusOK)
		for _, code := range []string{"unknown_field", "beneficiary_unknown", "programme_unknown", "category_unknown", "signed_in_future"} {
			if strings.Count(string(answered.Body), `"`+code+`"`) != 1 {
				t.Errorf("%s: not one %s: %s", media, code, answered.Body)
			}
		}
	}
}
