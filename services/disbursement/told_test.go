package disbursement_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// told is what this service keeps of somebody.
type told struct {
	Service  string
	Holdings []struct {
		Purpose, Held string
		Content       any
	}
	Facts    []struct{ Stream, Type string }
	Readings []struct{ Actor, Purpose, Case, Kind string }
}

// A person is told their category, their payments and how they were computed, and nothing of others in the same list.
func TestAPersonIsToldAboutTheirMoneyAndNobodyElses(t *testing.T) {
	t.Parallel()
	o, _, list := village(t)
	p := o.payments(t, list)
	ask := object{"kind": "access", "case": "2026/1", "own": []string{"b1"}, "mentions": []string{}, "refs": []string{}}
	answer := o.Post(t, "accounts", "/subject-reports", "", ask)
	answer.Want(t, http.StatusOK)
	var got told
	answer.Into(t, &got)
	said := map[string]string{}
	for _, h := range got.Holdings {
		said[h.Purpose] += fmt.Sprint(h.Content)
	}
	if len(got.Holdings) != 2 || !strings.Contains(said["enrolment_profile"], "category:c5a") || strings.Count(said["line_proofs"], "payment:") != 1 ||
		!strings.Contains(said["line_proofs"], "payment:"+p["b1"].ID) {
		t.Errorf("told %v", said)
	}
	var streams []string
	for _, f := range got.Facts {
		streams = append(streams, f.Stream)
	}
	slices.Sort(streams)
	streams = slices.Compact(streams)
	if len(streams) != 2 || !strings.HasPrefix(streams[0], "enrolment-") || streams[1] != "payment-"+p["b1"].ID {
		t.Errorf("facts of %v", streams)
	}
	if last := got.Readings[len(got.Readings)-1]; last.Actor != "service:accounts" || last.Case != "2026/1" || last.Kind != "report" {
		t.Errorf("recorded: %+v", last)
	}
	for id, other := range p {
		if id != "b1" && strings.Contains(string(answer.Body), other.ID) {
			t.Errorf("the payment of %s is told to b1", id)
		}
	}
	ask["kind"] = "erasure"
	answer = o.Post(t, "accounts", "/subject-reports", "", ask)
	var stays told
	answer.Into(t, &stays)
	for _, h := range stays.Holdings {
		if h.Held != "kept_by_law" || h.Content != nil {
			t.Errorf("of an erasure: %+v", h)
		}
	}
	if len(stays.Holdings) != 2 {
		t.Errorf("%+v", stays)
	}
	o.Post(t, "admin", "/subject-reports", "", ask).Want(t, http.StatusForbidden)
	if diff := cmp.Diff("disbursement", got.Service); diff != "" {
		t.Error(diff)
	}
}

// Who holds the account of somebody else is told of the payments that name them, and of nothing else about that person.
func TestWhoHoldsAnAccountIsToldOfThePaymentsIntoIt(t *testing.T) {
	t.Parallel()
	o, _, list := village(t)
	p := o.payments(t, list)
	var holder string
	if err := o.Pool.QueryRow(t.Context(), `select data->>'holder' from events where stream = $1 and version = 1`, "payment-"+p["b1"].ID).Scan(&holder); err != nil {
		t.Fatal(err)
	}
	var got told
	o.Post(t, "accounts", "/subject-reports", "", object{
		"kind": "access", "case": "2026/1", "own": []string{}, "mentions": []string{"b1", "b2"}, "refs": []string{holder},
	}).Into(t, &got)
	if len(got.Holdings) != 0 || len(got.Facts) == 0 {
		t.Fatalf("%+v", got)
	}
	for _, f := range got.Facts {
		if f.Stream != "payment-"+p["b1"].ID {
			t.Errorf("a fact of %s", f.Stream)
		}
	}
}
