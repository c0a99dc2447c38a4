package accounts_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestWhatBanksReport(t *testing.T) {
	t.Parallel()
	o := open(t)
	gateway := o.Neighbour(t, "bankgateway", bankgateway.Catalog())
	ids := map[string]string{}
	var all []string
	for serial, name := range []string{"opened", "close", "active", "other name", "refused", "unclear", "other bank"} {
		ids[name] = o.register(t, serial)
		all = append(all, ids[name])
	}
	o.issue(t, "i", vietin, all...)
	report := func(name string, change func(*bankgateway.OpeningReported)) {
		t.Helper()
		e := bankgateway.OpeningReported{
			Account: ids[name] + "-1", Beneficiary: ids[name], Bank: vietin, Status: "opened",
			Number: "0193a5c0-7d3e-7c41-9b52-6f1e8a4d2c70", Mark: "mark-" + name, HolderMatch: "match",
		}
		change(&e)
		servicetest.Say(t, gateway, rand.Text(), e) // what one waits for holds up no other
	}
	as := func(status, reason string) func(*bankgateway.OpeningReported) {
		return func(e *bankgateway.OpeningReported) {
			e.Status, e.Reason, e.Number, e.Mark, e.HolderMatch = status, reason, "", "", ""
		}
	}
	report("opened", func(*bankgateway.OpeningReported) {})
	report("close", func(e *bankgateway.OpeningReported) { e.HolderMatch, e.Biometric = "close_match", true })
	report("active", func(e *bankgateway.OpeningReported) { e.Biometric = true })
	report("other name", func(e *bankgateway.OpeningReported) { e.HolderMatch = "no_match" })
	report("refused", as("refused", "BE01"))
	report("unclear", as("needs_information", "PHOTO"))
	report("other bank", func(e *bankgateway.OpeningReported) { e.Bank = bidv })
	report("other bank", func(e *bankgateway.OpeningReported) { e.Beneficiary = ids["opened"] })
	for name, status := range map[string]string{
		"opened": "opened", "close": "needs_information", "active": "active", "other name": "needs_information", "refused": "refused", "unclear": "needs_information",
	} {
		o.status(t, ids[name], status)
	}
	testkit.Eventually(t, func() error {
		var waiting struct {
			Items []struct {
				ErrorCode string `json:"error_code"`
			}
		}
		o.Get(t, "admin", "/quarantine", "").Into(t, &waiting)
		var codes []string
		for _, item := range waiting.Items {
			codes = append(codes, item.ErrorCode)
		}
		slices.Sort(codes)
		if !slices.Equal(codes, []string{"account_unknown", "report_of_another_bank"}) {
			return fmt.Errorf("quarantine %v", codes)
		}
		return nil
	})
	o.status(t, ids["other bank"], "requested")

	var page struct{ Items []accountView }
	testkit.Eventually(t, func() error {
		o.Get(t, "auditor", "/accounts?bank="+vietin+"&status=needs_information", "").Into(t, &page)
		if len(page.Items) != 3 {
			return fmt.Errorf("%+v", page)
		}
		return nil
	})
	var one accountView
	o.Get(t, "maker", "/accounts/"+ids["opened"]+"-1", "").Into(t, &one)
	if one.Status != "opened" || one.HolderMatch != "match" {
		t.Fatalf("%+v", one)
	}
	{ // whose name only comes close is confirmed by somebody who did not ask for the account
		account := "/accounts/" + ids["close"] + "-1"
		why := object{"reason": "ngân hàng gửi bản sao giấy tờ"}
		o.Get(t, "maker", account, "").Into(t, &one)
		if one.Status != "needs_information" || one.Reason != "name_close" || one.HolderMatch != "close_match" {
			t.Fatalf("%+v", one)
		}
		o.Post(t, "stranger", account+"/confirmation", "h0", why).Refused(t, http.StatusNotFound, "account_unknown")
		o.Post(t, "accountant", account+"/confirmation", "h0", why).Want(t, http.StatusForbidden)
		for _, maker := range []string{"maker", "maker_approves"} {
			o.Post(t, maker, account+"/confirmation", "h1", why).Refused(t, http.StatusUnprocessableEntity, "same_person")
		}
		confirmed := o.Post(t, "chairman", account+"/confirmation", "h2", why)
		if confirmed.Want(t, http.StatusOK); confirmed.Text(t, "status") != "active" || confirmed.Text(t, "holder_match") != "close_match" {
			t.Fatalf("%s", confirmed.Body)
		}
		o.Post(t, "chairman", account+"/confirmation", "h3", why).Refused(t, http.StatusUnprocessableEntity, "holder_not_doubted")
	}
	{ // whoever was refused may be asked for again
		o.issue(t, "again", bidv, ids["refused"])
		var b beneficiaryView
		o.Get(t, "maker", "/beneficiaries/"+ids["refused"], "").Into(t, &b)
		if len(b.Accounts) != 2 || b.Account.ID != ids["refused"]+"-2" || b.Account.Bank != bidv {
			t.Fatalf("%+v", b)
		}
	}
	{ // an account changes hands only with four eyes
		account := "/accounts/" + ids["active"] + "-1"
		why := object{"reason": "chủ tài khoản đổi ngân hàng"}
		o.Post(t, "stranger", account+"/suspension", "s0", why).Refused(t, http.StatusNotFound, "beneficiary_unknown")
		o.Post(t, "accountant", account+"/suspension", "s0", why).Want(t, http.StatusForbidden)
		suspended := o.Post(t, "maker", account+"/suspension", "s1", object{"reason": "khiếu nại", "code": "dispute"})
		if suspended.Want(t, http.StatusOK); suspended.Text(t, "status") != "suspended" || suspended.Text(t, "reason") != "dispute" {
			t.Fatalf("%s", suspended.Body)
		}
		o.Post(t, "maker_approves", account+"/reinstatement", "r1", why).Refused(t, http.StatusUnprocessableEntity, "same_person")
		back := o.Post(t, "chairman", account+"/reinstatement", "r2", why)
		if back.Want(t, http.StatusOK); back.Text(t, "status") != "active" {
			t.Fatalf("%s", back.Body)
		}
		o.Post(t, "maker", account+"/replacement", "p0", object{"bank": "XXXXVNVX", "reason": "x"}).Want(t, http.StatusUnprocessableEntity)
		replacing := o.Post(t, "maker", account+"/replacement", "p1", object{"bank": bidv, "reason": "chuyển ngân hàng"})
		replacing.Want(t, http.StatusCreated)
		if replacing.Text(t, "status") != "drafted" || replacing.Text(t, "replaces") != ids["active"]+"-1" {
			t.Fatalf("%s", replacing.Body)
		}
		o.status(t, ids["active"], "active")
		o.approve(t, "p1", replacing.Text(t, "id"))
		var b beneficiaryView
		o.Get(t, "maker", "/beneficiaries/"+ids["active"], "").Into(t, &b)
		if len(b.Accounts) != 2 || b.Accounts[0].Reason != "replaced" || b.Account.Status != "requested" || b.Account.Bank != bidv {
			t.Fatalf("%+v", b)
		}
		again := o.Post(t, "maker", account+"/replacement", "p1", object{"bank": bidv, "reason": "chuyển ngân hàng"})
		if again.Want(t, http.StatusCreated); again.Text(t, "id") != replacing.Text(t, "id") {
			t.Fatalf("the same request again: %s", again.Body)
		}
		o.Post(t, "maker", account+"/closure", "c1", why).Refused(t, http.StatusUnprocessableEntity, "account_closed")
		o.Post(t, "maker", "/accounts/nothing/closure", "c2", why).Refused(t, http.StatusNotFound, "account_unknown")
	}
	{ // the read models say what the log says
		for _, id := range all {
			var b beneficiaryView
			o.Get(t, "maker", "/beneficiaries/"+id, "").Into(t, &b)
			testkit.Eventually(t, func() error {
				var rows struct{ Items []accountView }
				o.Get(t, "maker", "/accounts?beneficiary="+id, "").Into(t, &rows)
				slices.SortFunc(rows.Items, func(x, y accountView) int { return bytes.Compare([]byte(x.ID), []byte(y.ID)) })
				if diff := cmp.Diff(b.Accounts, rows.Items); diff != "" {
					return fmt.Errorf("accounts of %s: %s", id, diff)
				}
				return nil
			})
		}
	}
}
