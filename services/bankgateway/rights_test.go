package bankgateway_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/testkit/policytest"
)

// A bank asks for everything by its own key, and for what is another's by every name that it could know.
func TestABankSeesItsOwnChannelAlone(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	ours, theirs := id("ours"), id("theirs")
	servicetest.Say(t, g.disbursement, "payment-p1", released(ours, icb, number))
	g.become(t, "instruction-"+ours, "instruction_sent")
	if status, answer := g.call(t, http.MethodPost, "admin", "/banks/"+bidv+"/pause", object{"reason": "kiểm tra"}); status != http.StatusOK {
		t.Fatal(status, answer)
	}
	servicetest.Say(t, g.disbursement, "payment-p2", released(theirs, bidv, number))
	g.waits(t, "instruct/"+theirs)
	g.sees(t, 1, `not done`) // ours is done in the read model too

	for bank, want := range map[string]object{
		icb:  {"banks": []string{icb}, "open": []string{}, ours: http.StatusOK, theirs: http.StatusNotFound, "nothing": http.StatusNotFound},
		bidv: {"banks": []string{bidv}, "open": []string{"instruct/" + theirs}, ours: http.StatusNotFound, theirs: http.StatusNotFound, "nothing": http.StatusNotFound},
	} {
		got := object{"banks": g.column(t, bank, "/banks", "bank"), "open": g.column(t, bank, "/dispatches", "work")}
		for _, name := range []string{ours, theirs, "nothing"} {
			got[name], _ = g.call(t, http.MethodGet, bank, "/instructions/"+name+"/history", nil)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", bank, diff)
		}
	}
	if found := g.column(t, icb, "/dispatches?bank="+bidv, "work"); len(found) != 0 {
		t.Errorf("%s asks for another bank's dispatches: %v", icb, found)
	}
	testkit.Eventually(t, func() error {
		_, list := g.call(t, http.MethodGet, bidv, "/banks", nil)
		own, _ := list["items"].([]any)[0].(object)
		if own["reason"] != nil || own["paused_by"] != nil {
			t.Fatalf("a bank reads an operator's remark: %v", own)
		}
		if own["state"] != "paused" {
			return fmt.Errorf("a bank does not read that it is paused: %v", own)
		}
		return nil
	})
	for _, path := range []string{"/banks/" + icb + "/pause", "/banks/" + icb + "/resumption"} {
		if status, answer := g.call(t, http.MethodPost, icb, path, object{"reason": "x"}); status != http.StatusForbidden {
			t.Errorf("%s: %d %v", path, status, answer)
		}
	}
	g.stop()
	g.policy = policytest.Plus(t, time.Now, policytest.Forbid("bank_pause"))
	g.start(t)
	for who, want := range map[string]int{"admin": http.StatusForbidden, bidv: http.StatusOK} {
		if status, answer := g.call(t, http.MethodGet, who, "/banks", nil); status != want {
			t.Errorf("the policies do not hear what remarks are read for: %s, %d %v", who, status, answer)
		}
	}
}

// The channels are the province's; an instruction is followed by the officers of the unit that it is paid for.
func TestOfficersAreBoundToTheirUnitHereToo(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	e2e := id("bound")
	servicetest.Say(t, g.disbursement, "payment-p1", released(e2e, icb, number))
	g.become(t, "instruction-"+e2e, "instruction_sent")
	want := map[string][]int{
		"treasurer":       {http.StatusOK, http.StatusOK, http.StatusForbidden},
		"far-treasurer":   {http.StatusOK, http.StatusNotFound, http.StatusForbidden},
		"auditor":         {http.StatusOK, http.StatusOK, http.StatusForbidden},
		"commune-auditor": {http.StatusForbidden, http.StatusOK, http.StatusForbidden},
		"next-auditor":    {http.StatusForbidden, http.StatusNotFound, http.StatusForbidden},
		"hotel":           {http.StatusForbidden, http.StatusForbidden, http.StatusForbidden},
	}
	for actor, statuses := range want {
		var got []int
		for _, path := range []string{"/banks", "/instructions/" + e2e + "/history", "/dispatches"} {
			status, _ := g.call(t, http.MethodGet, actor, path, nil)
			got = append(got, status)
		}
		if diff := cmp.Diff(statuses, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", actor, diff)
		}
	}
}

// column is one member of every item of a list, sorted.
func (g *gate) column(t testing.TB, actor, path, member string) []string {
	t.Helper()
	status, list := g.call(t, http.MethodGet, actor, path, nil)
	items, listed := list["items"].([]any)
	if status != http.StatusOK || !listed {
		t.Fatalf("%s: %d %v", path, status, list)
	}
	values := []string{}
	for _, item := range items {
		value, _ := item.(object)[member].(string)
		values = append(values, value)
	}
	slices.Sort(values)
	return values
}

// waits waits until something is to be said and was not.
func (g *gate) waits(t testing.TB, work string) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if open := g.column(t, "admin", "/dispatches", "work"); !slices.Contains(open, work) {
			return fmt.Errorf("only %v is to be said", open)
		}
		return nil
	})
}
