package accounts_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	facts "github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/accounts"
)

type issuanceView struct {
	ID, Unit, Bank, Status, Replaces, Note, Reason string
	Members, Requested                             int
	LeftOut                                        int    `json:"left_out"`
	MadeBy                                         string `json:"made_by"`
	DecidedBy                                      string `json:"decided_by"`
	Counts, Identity                               map[string]int64
}

func TestFourEyesOnAnIssuance(t *testing.T) {
	t.Parallel()
	o := open(t)
	id := o.register(t, 1)
	draft := func(key string) string {
		made := o.Post(t, "maker", "/issuances", key, object{"unit": "00004", "bank": vietin, "beneficiaries": []string{id}, "note": "gửi chị Mai"})
		made.Want(t, http.StatusCreated)
		return "/issuances/" + made.Text(t, "id")
	}
	batch, other := draft("i1"), draft("i2")
	refused := func(actor, step string, status int, code string) {
		t.Helper()
		body := object{}
		if step == "/rejection" {
			body["reason"] = "sai danh sách"
		}
		o.Post(t, actor, batch+step, "x"+actor+step+code, body).Refused(t, status, code)
	}
	const no = http.StatusUnprocessableEntity
	refused("chairman", "/approval", no, "issuance_not_submitted")
	refused("chairman", "/rejection", no, "issuance_not_submitted")
	refused("colleague", "/submission", no, "not_the_maker")
	refused("stranger", "/submission", http.StatusNotFound, "issuance_unknown")
	o.Post(t, "maker", batch+"/submission", "s", object{}).Want(t, http.StatusOK)
	refused("maker", "/submission", no, "issuance_not_drafted")
	refused("maker_approves", "/approval", no, "same_person")
	refused("far_chairman", "/approval", http.StatusNotFound, "issuance_unknown")
	for _, actor := range []string{"maker", "colleague", "admin", "accountant", "gateway", "steering"} {
		o.Post(t, actor, batch+"/approval", "role", object{}).Want(t, http.StatusForbidden)
	}
	approved := o.Post(t, "chairman", batch+"/approval", "a", object{})
	approved.Want(t, http.StatusOK)
	refused("chairman", "/rejection", no, "issuance_approved")
	again := o.Post(t, "chairman", batch+"/approval", "a", object{})
	if diff := cmp.Diff(string(approved.Body), string(again.Body)); diff != "" || again.Header.Get("Idempotent-Replay") != "true" {
		t.Fatal(diff)
	}
	refused("chairman", "/approval", no, "issuance_approved")
	o.status(t, id, "requested")

	t.Run("the maker takes a draft back, and nothing is asked of the bank", func(t *testing.T) {
		t.Parallel()
		o.Post(t, "colleague", other+"/rejection", "r1", object{"reason": "x"}).Refused(t, no, "issuance_not_submitted")
		o.Post(t, "maker", other+"/rejection", "r2", object{"reason": "nhầm ngân hàng"}).Want(t, http.StatusOK)
		var i issuanceView
		o.Get(t, "chairman", other, "").Into(t, &i)
		if i.Status != "rejected" || i.Note != "gửi chị Mai" || i.Reason != "nhầm ngân hàng" || i.DecidedBy != "officer:lan" {
			t.Fatalf("%+v", i)
		}
		o.Post(t, "maker", other+"/submission", "s9", object{}).Refused(t, no, "issuance_not_drafted")
	})
	t.Run("remarks are no part of what others read", func(t *testing.T) {
		t.Parallel()
		seen := o.Get(t, "auditor", batch, "")
		seen.Want(t, http.StatusOK)
		if bytes.Contains(seen.Body, []byte("Mai")) {
			t.Fatalf("%s", seen.Body)
		}
		o.Get(t, "stranger", batch, "").Want(t, http.StatusNotFound)
		list := o.Get(t, "stranger", "/issuances", approved.Position())
		if list.Want(t, http.StatusOK); bytes.Contains(list.Body, []byte(vietin)) {
			t.Fatalf("%s", list.Body)
		}
	})
}

func TestEverybodyWithoutAnAccountIsDrafted(t *testing.T) {
	t.Parallel()
	o := open(t)
	var ids []string
	for serial := range 5 {
		ids = append(ids, o.register(t, serial))
	}
	child := fileOf("Trần Bé Na", 9)
	child["person"].(object)["birth_date"], child["person"].(object)["document"] = "2012-01-01", object{"type": "birth_certificate", "number": "45/2012"}
	minor := o.Post(t, "maker", "/beneficiaries", "child", child)
	var b beneficiaryView
	if minor.Into(t, &b); len(b.Warnings) != 1 || b.Warnings[0].Code != "representative_missing" || b.MayHold {
		t.Fatalf("%s", minor.Body)
	}
	o.Post(t, "maker", "/beneficiaries/"+ids[0]+"/death", "d", object{"date": "2026-11-01", "source": "family"}).Want(t, http.StatusOK)
	first := o.issue(t, "one", bidv, ids[1])

	all := o.Post(t, "maker", "/issuances", "all", object{"unit": "00004", "bank": vietin, "beneficiaries": nil})
	all.Want(t, http.StatusCreated)
	var drafted issuanceView
	all.Into(t, &drafted)
	if drafted.Members != 3 || drafted.Status != "drafted" {
		t.Fatalf("%+v", drafted)
	}
	o.Post(t, "province", "/issuances", "again", object{"unit": "01", "bank": vietin}).Refused(t, http.StatusUnprocessableEntity, "issuance_empty")

	var list struct{ Items []accountView }
	o.Get(t, "accountant", "/accounts?status=drafted&unit=00004", all.Position()).Into(t, &list)
	if len(list.Items) != 3 || list.Items[0].ID != "" || list.Items[0].Issuance != drafted.ID {
		t.Fatalf("%+v", list)
	}
	// One of them gets an account from elsewhere, and another dies, before the chairman signs.
	o.issue(t, "meanwhile", bidv, ids[2])
	o.Post(t, "maker", "/beneficiaries/"+ids[3]+"/death", "d3", object{"date": "2026-11-01", "source": "family"}).Want(t, http.StatusOK)
	o.approve(t, "all", drafted.ID)
	var done issuanceView
	head := o.Get(t, "maker", "/beneficiaries/"+ids[4], "").Position()
	testkit.Eventually(t, func() error {
		done = issuanceView{} // counts of the try before would stay in its maps
		o.Get(t, "maker", "/issuances/"+drafted.ID, head).Into(t, &done)
		if done.Counts["drafted"] != 0 {
			return fmt.Errorf("counts %v", done.Counts)
		}
		return nil
	})
	done.MadeBy = ""
	want := issuanceView{
		ID: drafted.ID, Unit: "00004", Bank: vietin, Status: "requested", Members: 3, Requested: 1, LeftOut: 2, DecidedBy: "officer:hung",
		Counts: map[string]int64{"requested": 1, "left_out": 2}, Identity: map[string]int64{"pending": 3},
	}
	if diff := cmp.Diff(want, done); diff != "" {
		t.Fatal(diff)
	}
	var batches struct{ Items []issuanceView }
	testkit.Eventually(t, func() error {
		o.Get(t, "province", "/issuances?status=requested&bank="+bidv, "").Into(t, &batches)
		if len(batches.Items) != 2 || !slices.ContainsFunc(batches.Items, func(i issuanceView) bool { return i.ID == first }) {
			return fmt.Errorf("%+v", batches)
		}
		return nil
	})
}

func TestAChildWhoGrewUpGetsAnAccount(t *testing.T) {
	t.Parallel()
	o := open(t)
	young := fileOf("Trần Thị Na", 1)
	young["person"].(object)["birth_date"], young["person"].(object)["document"] = "2011-12-01", object{"type": "birth_certificate", "number": "45/2011"}
	made := o.Post(t, "maker", "/beneficiaries", "young", young)
	made.Want(t, http.StatusCreated)
	everybody := object{"unit": "00004", "bank": vietin}
	o.Post(t, "maker", "/issuances", "early", everybody).Refused(t, http.StatusUnprocessableEntity, "issuance_empty")
	o.Clock.Advance(14 * 24 * time.Hour)
	o.issue(t, "later", vietin)
	o.status(t, made.Text(t, "id"), "requested")
}

// Two batches with the same people, approved at the same time: nobody may end up with two requests.
func TestNobodyGetsTwoAccounts(t *testing.T) {
	t.Parallel()
	o := open(t)
	var ids []string
	for serial := range 20 {
		ids = append(ids, o.register(t, serial))
	}
	var batches []string
	for _, bank := range []string{vietin, bidv} {
		made := o.Post(t, "maker", "/issuances", bank, object{"unit": "00004", "bank": bank, "beneficiaries": ids})
		made.Want(t, http.StatusCreated)
		batches = append(batches, made.Text(t, "id"))
	}
	var approving sync.WaitGroup
	for _, id := range batches {
		approving.Go(func() { o.approve(t, id, id) })
	}
	approving.Wait()
	var twice, requested int
	err := o.Pool.QueryRow(t.Context(), `select count(*) filter (where n > 1), coalesce(sum(n), 0) from (
		select count(*) as n from events where type = 'accounts.account_requested.v1' group by stream) s`).Scan(&twice, &requested)
	if err != nil || twice != 0 || requested != len(ids) {
		t.Fatalf("%d requests, %d people with two: %v", requested, twice, err)
	}
	var total int
	for _, id := range batches {
		var i issuanceView
		o.Get(t, "maker", "/issuances/"+id, "").Into(t, &i)
		if i.Requested+i.LeftOut != len(ids) {
			t.Fatalf("%+v", i)
		}
		total += i.Requested
	}
	if total != len(ids) {
		t.Fatalf("the batches say %d requests", total)
	}
	listed := o.Post(t, "maker", "/issuances", "third", object{"unit": "00004", "bank": bidv, "beneficiaries": ids[:1]})
	if diff := cmp.Diff([]string{"/beneficiaries/0 account_exists"}, listed.Faults(t)); diff != "" {
		t.Fatal(diff)
	}
}

// The process died between the approval and the last request: what the log holds then is written here by hand.
func TestAnIssuanceThatWasCutOffIsFinished(t *testing.T) {
	t.Parallel()
	o := prepare(t)
	stop := o.start(t)
	var ids []string
	for serial := range 10 {
		ids = append(ids, o.register(t, serial))
	}
	made := o.Post(t, "maker", "/issuances", "cut", object{"unit": "00004", "bank": vietin, "beneficiaries": ids})
	id := made.Text(t, "id")
	o.Post(t, "maker", "/issuances/"+id+"/submission", "s", object{}).Want(t, http.StatusOK)
	stop()
	o.cutOff(t, id, ids[:5])
	o.start(t)
	testkit.Eventually(t, func() error {
		var i issuanceView
		o.Get(t, "maker", "/issuances/"+id, "").Into(t, &i)
		if i.Status != "requested" || i.Requested != len(ids) || i.LeftOut != 0 {
			return fmt.Errorf("%+v", i)
		}
		return nil
	})
	var requests, people int
	err := o.Pool.QueryRow(t.Context(), `select count(*), count(distinct stream) from events where type = 'accounts.account_requested.v1'`).
		Scan(&requests, &people)
	if err != nil || requests != len(ids) || people != len(ids) {
		t.Fatalf("%d requests for %d people: %v", requests, people, err)
	}
}

// cutOff writes an approval, and the requests for some members that followed before the process died.
func (o *office) cutOff(t *testing.T, issuance string, members []string) {
	t.Helper()
	deps, closeDeps, err := service.NewDeps(t.Context(), "test", o.Config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = closeDeps(context.Background()) }()
	base, err := foundation.Open(t.Context(), deps.For(accounts.Name), foundation.Options{
		Service: accounts.Name, Own: events.NewCatalog(facts.Catalog()), Others: events.NewCatalog(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	appended := func(a eventstore.Append) events.Recorded {
		t.Helper()
		recorded, err := base.Log.Append(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		return recorded[0]
	}
	approval := appended(eventstore.Append{
		Stream: "issuance-" + issuance, Expected: 2, Facts: []events.Event{facts.IssuanceApproved{Issuance: issuance, By: "officer:hung"}},
	})
	for _, id := range members {
		appended(eventstore.Append{
			Stream: "beneficiary-" + id, Expected: 1, Meta: events.Meta{Cause: approval.ID()},
			Facts: []events.Event{facts.AccountRequested{
				Account: id + "-1", Beneficiary: id, Unit: events.Unit{Code: "00004", ValidFrom: "2025-07-01"},
				Issuance: issuance, Bank: vietin, Person: "P", Holder: "P",
			}},
		})
	}
}
