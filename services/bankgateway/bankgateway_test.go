package bankgateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
)

const (
	instructed = "bank.payment_instructed.v1"
	inquired   = "bank.status_inquired.v1"
	recalled   = "bank.payment_recall_requested.v1"
	opening    = "bank.account_opening_requested.v1"
)

func TestAPaymentGoesToItsBankAndItsReportsComeBack(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	whole := g.people.whole.Load()
	e2e := id("first")
	servicetest.Say(t, g.disbursement, "payment-p1", released(e2e, icb, number))
	letter := g.banks[icb].waitFor(t, instructed, e2e, 1)[0]
	var got bank.PaymentInstructed
	if err := json.Unmarshal(letter.Value, &got); err != nil {
		t.Fatal(err)
	}
	want := bank.PaymentInstructed{
		EndToEndID: e2e, UETR: got.UETR, Amount: 540_000, CreditorName: "Nguyễn Văn An", CreditorAccount: "103872200345",
		CategoryPurpose: "SSBE", Programme: "social_pension", Month: "2026-11", Remittance: "An sinh xa hoi 2026-11", InstructedAt: got.InstructedAt,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(got.UETR) != 36 || got.UETR[14] != '4' || got.UETR != strings.ToLower(got.UETR) || header(letter, "ce_id") != "bankgateway/instruct/"+e2e {
		t.Errorf("uetr %s, id %s", got.UETR, header(letter, "ce_id"))
	}
	for _, code := range []string{"RCVD", "ACSP", "ACCC", "ACCC", "RCVD", "RJCT"} {
		g.banks[icb].says(t, report(t, e2e, status(e2e, code)))
	}
	g.become(t, "instruction-"+e2e, "instruction_sent payment_reported payment_reported payment_reported report_set_aside")
	if status, history := g.call(t, http.MethodGet, "treasurer", "/instructions/"+e2e+"/history", nil); status != http.StatusOK || len(history["items"].([]any)) != 5 {
		t.Errorf("history: %d %v", status, history)
	}
	if g.people.whole.Load() > whole {
		t.Error("a payment needs a name, and all of a person was asked for")
	}
	g.keepsSilent(t, "103872200345", "Nguyễn", "NGUYEN VAN", "Trấn Vũ", "912345678")
}

// keepsSilent looks for personal data in everything that the gateway keeps and says, sealed rows apart.
func (g *gate) keepsSilent(t *testing.T, values ...string) {
	t.Helper()
	const tables = `select table_name from information_schema.tables where table_schema = current_schema() and table_type = 'BASE TABLE'`
	rows, err := g.Pool.Query(t.Context(), tables)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	rows.Close()
	if len(names) < 8 {
		t.Fatalf("only the tables %v", names)
	}
	for _, value := range values {
		if strings.Contains(g.log.String(), value) {
			t.Errorf("%q stands in the log of the process", value)
		}
		for _, name := range names {
			var found int
			query := fmt.Sprintf(`select count(*) from %q as row where row::text like '%%' || $1 || '%%' or row::text like '%%' || encode(convert_to($1, 'utf8'), 'hex') || '%%'`, name)
			if err := g.Pool.QueryRow(t.Context(), query, value).Scan(&found); err != nil || found > 0 {
				t.Errorf("%q stands in %d rows of %s: %v", value, found, name, err)
			}
		}
	}
}

func TestTheSameReleaseIsSaidOnceHoweverOftenItIsHeard(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	first, last := id("first"), id("last")
	servicetest.Say(t, g.disbursement, "payment-p1", released(first, icb, number))
	g.become(t, "instruction-"+first, "instruction_sent")
	// The whole topics are read again from the first fact on, as a consumer of another name would.
	if status, answer := g.call(t, http.MethodPost, "admin", "/projections/dispatches_v3/rebuild", object{}); status != http.StatusOK {
		t.Fatal(status, answer)
	}
	again := released(first, icb, number)
	servicetest.Say(t, g.disbursement, "payment-p1", disbursement.PaymentReissued{Payable: again.Payable, Target: again.Target, By: "officer:x"})
	servicetest.Say(t, g.disbursement, "payment-p2", released(last, icb, number))
	g.banks[icb].waitFor(t, instructed, last, 1)
	if got := len(g.banks[icb].received(instructed, first)); got != 1 {
		t.Errorf("the bank got it %d times", got)
	}
	if got := len(g.banks[icb].received(opening, "")); got != 1 {
		t.Errorf("the bank was asked for the account %d times", got)
	}
}

func TestInquiriesAndRecallsFollowTheirInstruction(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	e2e := id("first")
	for _, fact := range []events.Event{
		released(e2e, icb, number),
		disbursement.PaymentUnknown{Payment: "p1", Attempt: 1, EndToEndID: e2e, Bank: icb, Inquiry: 1},
		disbursement.PaymentUnknown{Payment: "p1", Attempt: 1, EndToEndID: e2e, Bank: icb, Inquiry: 2},
		disbursement.RecallRequested{Payment: "p1", Attempt: 1, EndToEndID: e2e, Bank: icb, Reason: "DUPL", By: "officer:x"},
	} {
		servicetest.Say(t, g.disbursement, "payment-p1", fact)
	}
	g.banks[icb].waitFor(t, inquired, e2e, 2)
	g.banks[icb].waitFor(t, recalled, e2e, 1)
	g.become(t, "instruction-"+e2e, "instruction_sent inquiry_sent inquiry_sent recall_sent")
	g.banks[icb].says(t, report(t, e2e, bank.PaymentStatusReported{EndToEndID: e2e, Status: "RJCT", Reason: "NARR"}))
	g.become(t, "instruction-"+e2e, "instruction_sent inquiry_sent inquiry_sent recall_sent payment_reported")
}

func TestABankOpensAnAccountInStages(t *testing.T) {
	t.Parallel()
	g := open(t)
	account := id("mai") + "-1"
	wanted := requested(account, icb)
	wanted.Holder = ref(2) // a representative
	servicetest.Say(t, g.accounts, "beneficiary-"+id("mai"), wanted)
	letter := g.banks[icb].waitFor(t, opening, account, 1)[0]
	var asked bank.AccountOpeningRequested
	if err := json.Unmarshal(letter.Value, &asked); err != nil || asked.Beneficiary == nil || asked.Holder.DocumentNumber != "001050123456" {
		t.Fatalf("asked with %s: %v", letter.Value, err)
	}
	opened := bank.AccountOpeningReported{RequestID: account, Status: "opened", AccountNumber: "103872200345", HolderName: "N*** V** A*"}
	other := opened
	other.HolderName = "Trần Thị Bé"
	active := opened
	active.Biometric = true
	moved := active
	moved.AccountNumber = "999988887777"
	g.banks[icb].says(t,
		report(t, account, bank.AccountOpeningReported{RequestID: account, Status: "needs_information", Reason: "photo_missing"}),
		report(t, account, other), report(t, account, opened), report(t, account, opened), report(t, account, active),
		report(t, account, moved), report(t, account, moved),
		report(t, account, bank.AccountOpeningReported{RequestID: account, Status: "refused", Reason: "changed_mind"}),
	)
	g.become(t, "opening-"+account, "opening_sent opening_reported opening_reported opening_reported opening_reported opening_report_set_aside opening_report_set_aside")
	var told []string
	numbers := map[string]bool{}
	for _, line := range g.recorded(t, "opening-"+account)[1:] {
		var fact struct {
			Status, Reason, Number string
			HolderMatch            string `json:"holder_match"`
			Biometric              bool
			Why                    string
		}
		_, body, _ := strings.Cut(line, " ")
		if err := json.Unmarshal([]byte(body), &fact); err != nil {
			t.Fatal(err)
		}
		numbers[fact.Number] = true
		told = append(told, fmt.Sprint(fact.Status, fact.Reason, " ", fact.HolderMatch, " ", fact.Biometric, " ", fact.Why))
	}
	want := []string{
		"needs_informationphoto_missing  false ", "opened no_match false ", "opened close_match false ", "opened close_match true ",
		"opened close_match false contradictory", "refusedchanged_mind  false contradictory",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
	if len(numbers) != 2 { // none, and the one row of the number
		t.Errorf("numbers %v", numbers)
	}
	g.keepsSilent(t, "103872200345", "999988887777", "Trần Thị Bé", "N***")
}

func TestNonsenseIsQuarantinedByItsPlaceAlone(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	e2e := id("first")
	servicetest.Say(t, g.disbursement, "payment-p1", released(e2e, icb, number))
	g.become(t, "instruction-"+e2e, "instruction_sent")
	wrong, reference := status(e2e, "ACCC"), status(e2e, "ACCC")
	wrong.Amount, reference.BankReference = 5_400_000, ""
	missing := report(t, e2e, status(e2e, "ACCC"))
	missing.Headers = nil
	g.banks[bidv].says(t, report(t, e2e, status(e2e, "ACCC")))
	g.banks[icb].says(t,
		report(t, e2e, status(id("nobody"), "ACCC")), report(t, e2e, wrong), report(t, e2e, reference), report(t, e2e, status(e2e, "PAID")),
		report(t, e2e, status("103872200345 ; drop", "ACCC")), missing,
		raw(e2e, "bank.payment_status_reported.v1", []byte(`{"end_to_end_id": "103872200345`)),
		raw("103872200345", "bank.payment_status_reported.v1", []byte(`{"end_to_end_id": {"account_number":"103872200345"}}`)),
		raw(e2e, "bank.payment_status_reported.v1", []byte("\x00\xff\xfe"+strings.Repeat("103872200345", 60_000))),
		raw(e2e, "103872200345", []byte(`{}`)),
		raw(e2e, "bank.payment_status_reported.v1", []byte(`{"end_to_end_id":"`+e2e+`","status":"ACCC","bank_reference":"FT1","booked_at":"2026-11-21T09:00:00Z","amount":540000.5}`)),
		raw(e2e, "bank.payment_status_reported.v1", []byte(`{"end_to_end_id":"`+e2e+`","status":"ACCC","bank_reference":"FT1","booked_at":"2026-11-21T09:00:00Z","amount":-540000}`)),
		report(t, e2e, bank.AccountOpeningReported{RequestID: id("mai") + "-1", Status: "opened", AccountNumber: "103-872", HolderName: "An"}),
		report(t, e2e, bank.AccountVerified{RequestID: id("mai") + "-1", Answer: "RCVC", Status: "active"}),
	)
	const name = "bankgateway.reports." + icb + " bank."
	want := map[string]bool{
		"bankgateway.reports." + bidv + " bank.payment_status_reported.v1 instruction_of_other_bank": true,
		name + "payment_status_reported.v1 instruction_unknown":                                      true,
		name + "payment_status_reported.v1 amount_differs":                                           true,
		name + "payment_status_reported.v1 bank_reference_missing":                                   true,
		name + "payment_status_reported.v1 status_unknown":                                           true,
		name + "payment_status_reported.v1 id_malformed":                                             true,
		name + "payment_status_reported.v1 undecodable":                                              true,
		"bankgateway.reports." + icb + " unknown undecodable":                                        true,
		name + "account_opening_reported.v1 account_number_malformed":                                true,
		name + "account_verified.v1 request_unknown":                                                 true,
	}
	testkit.Eventually(t, func() error {
		got := map[string]bool{}
		lines := g.quarantined(t)
		for _, line := range lines {
			got[line] = true
		}
		if diff := cmp.Diff(want, got); diff != "" || len(lines) != 15 {
			return fmt.Errorf("%d in quarantine: %s", len(lines), diff)
		}
		return nil
	})
	// None of them holds up what makes sense.
	g.banks[icb].says(t, report(t, e2e, status(e2e, "ACCC")))
	g.become(t, "instruction-"+e2e, "instruction_sent payment_reported")
	g.keepsSilent(t, "103872200345", "103-872", "drop")
}

func TestAReportOutOfQuarantineIsReadAgainInKafka(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	e2e := id("first")
	g.banks[icb].says(t, report(t, e2e, status(e2e, "ACCC")))
	testkit.Eventually(t, func() error {
		if lines := g.quarantined(t); len(lines) != 1 {
			return fmt.Errorf("in quarantine: %v", lines)
		}
		return nil
	})
	_, list := g.call(t, http.MethodGet, "admin", "/quarantine", nil)
	path, release := fmt.Sprint("/quarantine/", list["items"].([]any)[0].(object)["id"], "/release"), object{"reason": "released_late"}
	if status, _ := g.call(t, http.MethodPost, "admin", path, release); status < 400 {
		t.Fatalf("a report about nothing was taken: %d", status)
	}
	servicetest.Say(t, g.disbursement, "payment-p1", released(e2e, icb, number))
	g.become(t, "instruction-"+e2e, "instruction_sent")
	if status, answer := g.call(t, http.MethodPost, "admin", path, release); status != http.StatusOK {
		t.Fatal(status, answer)
	}
	g.become(t, "instruction-"+e2e, "instruction_sent payment_reported")
}

func TestFactsWaitWhileTheAccountsServiceIsAway(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	g.people.away.Store(true)
	e2e, account := id("first"), id("lan")+"-1"
	servicetest.Say(t, g.disbursement, "payment-p1", released(e2e, icb, number))
	servicetest.Say(t, g.accounts, "beneficiary-"+id("lan"), requested(account, bidv))
	testkit.Eventually(t, func() error {
		if b := g.bank(t, icb); b["waiting"] != 1.0 {
			return fmt.Errorf("bank %v", b)
		}
		return nil
	})
	if lines := g.quarantined(t); len(lines) > 0 || len(g.banks[icb].received(instructed, "")) > 0 {
		t.Fatalf("something was said or quarantined: %v", lines)
	}
	g.people.away.Store(false)
	g.become(t, "instruction-"+e2e, "instruction_sent")
	g.become(t, "opening-"+account, "opening_sent")
	if lines := g.quarantined(t); len(lines) > 0 {
		t.Fatalf("in quarantine: %v", lines)
	}
}
