package instruction_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/services/bankgateway/internal/instruction"
)

const icb = "ICBVVNVX"

func booked() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }

func named() bankgateway.Instruction {
	return bankgateway.Instruction{EndToEndID: "e1", Payment: "p1", Attempt: 1, Bank: icb}
}

func sent() events.Event {
	return bankgateway.InstructionSent{Instruction: named(), Amount: 540_000}
}

// said is a report that makes sense.
func said(code string) bankgateway.Report {
	switch code {
	case "ACSC", "ACCC":
		return bankgateway.Report{Status: code, BankReference: "FT-" + code, BookedAt: booked()}
	case "RTND":
		return bankgateway.Report{Status: code, Reason: "AC04", BankReference: "FT-" + code, BookedAt: booked()}
	case "RJCT", "BLCK":
		return bankgateway.Report{Status: code, Reason: "AC04"}
	}
	return bankgateway.Report{Status: code}
}

func hear(code string) instruction.Hear { return heard(said(code)) }

func heard(r bankgateway.Report) instruction.Hear {
	report := bank.PaymentStatusReported{
		EndToEndID: "e1", Status: r.Status, Reason: r.Reason, BankReference: r.BankReference, BookedAt: r.BookedAt,
	}
	if r.BankReference != "" {
		report.Amount = 540_000
	}
	return instruction.Hear{Bank: icb, Report: report}
}

func reported(code string) events.Event {
	return bankgateway.PaymentReported{Instruction: named(), Report: said(code)}
}

func aside(code, why string) events.Event {
	return bankgateway.ReportSetAside{Instruction: named(), Report: said(code), Why: why}
}

func asked(n int) events.Event {
	return bankgateway.InquirySent{Instruction: named(), Inquiry: n}
}

func TestEveryFactHasACase(t *testing.T) {
	t.Parallel()
	decidertest.EvolvesAll[instruction.Instruction](t, bankgateway.InstructionFacts())
}

func TestWhatIsSaidToTheBank(t *testing.T) {
	t.Parallel()
	held := bankgateway.InstructionHeld{Instruction: named(), Reason: "holder_erased"}
	decidertest.Run(t, []decidertest.Case[instruction.Instruction]{
		{
			Name: "an instruction is sent", When: instruction.Send{Instruction: named(), Amount: 540_000}, Then: []events.Event{sent()},
		},
		{
			Name: "an instruction is sent once", Given: []events.Event{sent()}, When: instruction.Send{Instruction: named(), Amount: 540_000},
		},
		{
			Name: "what cannot be sent is held", When: instruction.Hold{Instruction: named(), Reason: "holder_erased"}, Then: []events.Event{held},
		},
		{
			Name: "what is held is held once", Given: []events.Event{held}, When: instruction.Hold{Instruction: named(), Reason: "holder_erased"},
		},
		{
			Name: "what was sent is not held", Given: []events.Event{sent()}, When: instruction.Hold{Instruction: named(), Reason: "holder_erased"},
		},
		{
			Name: "what is held is resumed", Given: []events.Event{held}, When: instruction.Resume{},
			Then: []events.Event{bankgateway.InstructionResumed{Instruction: named()}},
		},
		{
			Name: "what is not held is not resumed", Given: []events.Event{held, bankgateway.InstructionResumed{Instruction: named()}}, When: instruction.Resume{},
		},
		{
			Name: "the bank is asked what became of it", Given: []events.Event{sent()}, When: instruction.Inquire{Inquiry: 1},
			Then: []events.Event{bankgateway.InquirySent{Instruction: named(), Inquiry: 1}},
		},
		{
			Name: "each question is asked once", Given: []events.Event{sent(), bankgateway.InquirySent{Instruction: named(), Inquiry: 2}},
			When: instruction.Inquire{Inquiry: 2},
		},
		{
			Name: "a repetition answers a question, once", Given: []events.Event{sent(), reported("ACTC"), asked(1)}, When: hear("ACTC"),
			Then: []events.Event{reported("ACTC")},
		},
		{
			Name: "and is a repetition after that", Given: []events.Event{sent(), reported("ACTC"), asked(1), reported("ACTC")}, When: hear("ACTC"),
		},
		{
			Name: "a credit is not credited again by asking", Given: []events.Event{sent(), reported("ACCC"), asked(1)}, When: hear("ACCC"),
		},
		{
			Name: "nobody asks about what was not sent", When: instruction.Inquire{Inquiry: 1},
		},
		{
			Name: "money is called back", Given: []events.Event{sent()}, When: instruction.Recall{Reason: "DUPL"},
			Then: []events.Event{bankgateway.RecallSent{Instruction: named(), Reason: "DUPL"}},
		},
		{
			Name: "money is called back once", Given: []events.Event{sent(), bankgateway.RecallSent{Instruction: named(), Reason: "DUPL"}},
			When: instruction.Recall{Reason: "CUST"},
		},
		{
			Name: "what was not sent is not called back", When: instruction.Recall{Reason: "DUPL"},
		},
	})
}

func TestWhatABankReports(t *testing.T) {
	t.Parallel()
	otherwise, unsure := said("RJCT"), said("RJCT")
	otherwise.Reason, unsure.Reason = "AC01", "TM01"
	second := said("ACCC")
	second.BankReference = "FT-2"
	decidertest.Run(t, []decidertest.Case[instruction.Instruction]{
		{Name: "what goes forward is reported on", Given: []events.Event{sent()}, When: hear("RCVD"), Then: []events.Event{reported("RCVD")}},
		{Name: "steps may be left out", Given: []events.Event{sent()}, When: hear("ACCC"), Then: []events.Event{reported("ACCC")}},
		{Name: "a repetition is nothing", Given: []events.Event{sent(), reported("RCVD")}, When: hear("RCVD")},
		{Name: "nor is one of what was set aside", Given: []events.Event{sent(), reported("ACSP"), aside("RCVD", "backward")}, When: hear("RCVD")},
		{
			Name: "a step back is set aside", Given: []events.Event{sent(), reported("ACSP")}, When: hear("RCVD"),
			Then: []events.Event{aside("RCVD", "backward")},
		},
		{
			Name: "a bank may hold what is in flight", Given: []events.Event{sent(), reported("ACSP")}, When: hear("BLCK"),
			Then: []events.Event{reported("BLCK")},
		},
		{Name: "what comes after the last word is late", Given: []events.Event{sent(), reported("ACCC")}, When: hear("ACSP"), Then: []events.Event{aside("ACSP", "late")}},
		{
			Name: "a rejection after the credit is contradictory", Given: []events.Event{sent(), reported("ACCC")}, When: hear("RJCT"),
			Then: []events.Event{aside("RJCT", "contradictory")},
		},
		{
			Name: "a credit after the rejection is contradictory", Given: []events.Event{sent(), reported("RJCT")}, When: hear("ACCC"),
			Then: []events.Event{aside("ACCC", "contradictory")},
		},
		{
			Name: "a second credit is contradictory", Given: []events.Event{sent(), reported("ACCC")}, When: heard(second),
			Then: []events.Event{bankgateway.ReportSetAside{Instruction: named(), Report: second, Why: "contradictory"}},
		},
		{
			Name: "a second rejection contradicts nothing", Given: []events.Event{sent(), reported("RJCT")}, When: heard(otherwise),
			Then: []events.Event{bankgateway.ReportSetAside{Instruction: named(), Report: otherwise, Why: "late"}},
		},
		{
			Name: "nor does a time-out after the credit", Given: []events.Event{sent(), reported("ACCC")}, When: heard(unsure),
			Then: []events.Event{bankgateway.ReportSetAside{Instruction: named(), Report: unsure, Why: "late"}},
		},
		{Name: "money comes back after the credit", Given: []events.Event{sent(), reported("ACCC")}, When: hear("RTND"), Then: []events.Event{reported("RTND")}},
		{Name: "or after the debit", Given: []events.Event{sent(), reported("ACSC")}, When: hear("RTND"), Then: []events.Event{reported("RTND")}},
		{Name: "money that was not paid comes back early", Given: []events.Event{sent(), reported("ACSP")}, When: hear("RTND"), Then: []events.Event{aside("RTND", "early")}},
		{
			Name: "and is reported when the credit is", Given: []events.Event{sent(), aside("RTND", "early")}, When: hear("ACCC"),
			Then: []events.Event{reported("ACCC"), reported("RTND")},
		},
		{
			Name: "the credit that a return undid is late", Given: []events.Event{sent(), reported("ACSC"), reported("RTND")}, When: hear("ACCC"),
			Then: []events.Event{aside("ACCC", "late")},
		},
		{
			Name: "money does not come back from a rejection", Given: []events.Event{sent(), reported("RJCT")}, When: hear("RTND"),
			Then: []events.Event{aside("RTND", "contradictory")},
		},
	})
}

func TestNonsenseIsRefused(t *testing.T) {
	t.Parallel()
	with := func(change func(*instruction.Hear)) instruction.Hear {
		h := hear("ACCC")
		change(&h)
		return h
	}
	var cases []decidertest.Case[instruction.Instruction]
	for _, c := range []struct {
		name, problem string
		change        func(*instruction.Hear)
	}{
		{"an unknown status", "status_unknown", func(h *instruction.Hear) { h.Report.Status = "PAID" }},
		{"another bank's payment", "instruction_of_other_bank", func(h *instruction.Hear) { h.Bank = "BIDVVNVX" }},
		{"an unknown reason", "reason_unknown", func(h *instruction.Hear) { h.Report.Reason = "Nguyễn" }},
		{"a return without a reason", "reason_unknown", func(h *instruction.Hear) { h.Report.Status = "RTND" }},
		{"a credit without a booking", "bank_reference_missing", func(h *instruction.Hear) { h.Report.BankReference = "" }},
		{"a sentence instead of a reference", "bank_reference_missing", func(h *instruction.Hear) { h.Report.BankReference = "paid to Mr An" }},
		{"a credit at no time", "booked_at_missing", func(h *instruction.Hear) { h.Report.BookedAt = time.Time{} }},
		{"a credit before our time", "booked_at_malformed", func(h *instruction.Hear) { h.Report.BookedAt = time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC) }},
		{"a credit in a year that JSON cannot hold", "booked_at_malformed", func(h *instruction.Hear) {
			h.Report.BookedAt = time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -24*60*60+60))
		}},
		{"on its way in no year", "booked_at_malformed", func(h *instruction.Hear) {
			*h = hear("ACSP")
			h.Report.BookedAt = time.Date(0, 1, 1, 0, 0, 0, 0, time.FixedZone("", 24*60*60-60))
		}},
		{"another amount", "amount_differs", func(h *instruction.Hear) { h.Report.Amount++ }},
		{"no amount", "amount_differs", func(h *instruction.Hear) { h.Report.Amount = 0 }},
		{"another amount on the way", "amount_differs", func(h *instruction.Hear) { *h = hear("ACSP"); h.Report.Amount = 1 }},
	} {
		cases = append(cases, decidertest.Case[instruction.Instruction]{
			Name: c.name, Given: []events.Event{sent()}, When: with(c.change), Problem: c.problem,
		})
	}
	cases = append(cases, decidertest.Case[instruction.Instruction]{Name: "what was never sent", When: hear("ACCC"), Problem: "instruction_unknown"})
	decidertest.Run(t, cases)
}

// deliver hears reports one after the other and returns what was recorded.
func deliver(t *rapid.T, reports []bankgateway.Report) (instruction.Instruction, []events.Event) {
	state, all := decider.Fold(instruction.Instruction{}, sent()), []events.Event(nil)
	for _, r := range reports {
		facts, err := heard(r).Decide(state, decider.Meta{})
		if err != nil {
			t.Fatalf("%v: %v", r, err)
		}
		state, all = decider.Fold(state, facts...), append(all, facts...)
	}
	return state, all
}

// phase is what counts of a status: the three in flight are one.
func phase(status string) string {
	if status == "PDNG" || status == "BLCK" {
		return "ACSP"
	}
	return status
}

// lastWord is what a bank that does not contradict itself comes to, by the set of what it said alone.
func lastWord(reports []bankgateway.Report) string {
	said := map[string]bool{}
	for _, r := range reports {
		said[phase(r.Status)] = true
	}
	if said["RTND"] && (said["ACCC"] || said["ACSC"]) {
		return "RTND"
	}
	for _, status := range []string{"ACCC", "RJCT", "ACSC", "ACSP", "ACCP", "ACTC", "RCVD"} {
		if said[status] {
			return status
		}
	}
	return ""
}

func TestInWhateverOrderAndHoweverOftenReportsCome(t *testing.T) {
	t.Parallel()
	codes := []string{"RCVD", "ACTC", "ACCP", "ACSP", "PDNG", "BLCK", "ACSC", "ACCC", "RJCT", "RTND"}
	rapid.Check(t, func(t *rapid.T) {
		var reports []bankgateway.Report
		for _, code := range rapid.SliceOf(rapid.SampledFrom(codes)).Draw(t, "codes") {
			r := said(code)
			if r.BankReference != "" && rapid.IntRange(0, 4).Draw(t, "other") == 0 {
				r.BankReference += "-other"
			}
			reports = append(reports, r)
		}
		state, facts := deliver(t, reports)
		counts, paid := map[string]int{}, false
		for _, e := range facts {
			r, counted := e.(bankgateway.PaymentReported)
			if !counted {
				continue
			}
			counts[r.Status]++
			if r.Status == "RTND" && !paid {
				t.Fatalf("money came back that was not paid: %v", facts)
			}
			paid = paid || r.Status == "ACCC" || r.Status == "ACSC"
		}
		if counts["ACCC"] > 1 || counts["RTND"] > 1 || counts["RJCT"] > 1 || counts["ACCC"]+counts["RJCT"] > 1 {
			t.Fatalf("counted %v: %v", counts, facts)
		}
		if _, more := deliver(t, append(slices.Clone(reports), reports...)); len(more) != len(facts) {
			t.Fatalf("a repetition changed something: %v", more[len(facts):])
		}
		contradictory := slices.ContainsFunc(reports, func(r bankgateway.Report) bool { return r.Status == "RJCT" }) &&
			slices.ContainsFunc(reports, func(r bankgateway.Report) bool { return r.Status == "ACCC" || r.Status == "RTND" })
		if want := lastWord(reports); !contradictory && phase(state.Status) != want {
			t.Fatalf("ended as %s instead of %s: %v", state.Status, want, facts)
		}
	})
}

func TestThatTheHolderDiedIsSaidOnOnce(t *testing.T) {
	t.Parallel()
	sent := bankgateway.InstructionSent{Instruction: named(), Amount: 540_000, Account: "b-1"}
	said := func(status string) bankgateway.Report {
		r := said(status)
		r.Reason = instruction.Deceased
		return r
	}
	reported := func(status string) events.Event {
		return bankgateway.PaymentReported{Instruction: named(), Report: said(status)}
	}
	died := bankgateway.DeathReported{Instruction: named(), Account: "b-1"}
	credited := bankgateway.PaymentReported{Instruction: named(), Report: bankgateway.Report{Status: "ACCC", BankReference: "FT-ACCC", BookedAt: booked()}}
	decidertest.Run(t, []decidertest.Case[instruction.Instruction]{
		{Name: "with a rejection", Given: []events.Event{sent}, When: heard(said("RJCT")), Then: []events.Event{reported("RJCT"), died}},
		{Name: "with a return", Given: []events.Event{sent, credited}, When: heard(said("RTND")), Then: []events.Event{reported("RTND"), died}},
		{Name: "not while the bank holds the money", Given: []events.Event{sent}, When: heard(said("BLCK")), Then: []events.Event{reported("BLCK")}},
		{Name: "not while it is on its way", Given: []events.Event{sent}, When: heard(said("ACSP")), Then: []events.Event{reported("ACSP")}},
		{Name: "not with a credit", Given: []events.Event{sent}, When: heard(said("ACCC")), Then: []events.Event{reported("ACCC")}},
		{Name: "with the rejection that follows", Given: []events.Event{sent, reported("BLCK")}, When: heard(said("RJCT")), Then: []events.Event{reported("RJCT"), died}},
		{Name: "not again", Given: []events.Event{sent, reported("RJCT"), died}, When: heard(said("RTND")), Then: []events.Event{
			bankgateway.ReportSetAside{Instruction: named(), Report: said("RTND"), Why: instruction.Contradictory},
		}},
		{
			Name: "not of an instruction that names no account", Given: []events.Event{bankgateway.InstructionSent{Instruction: named(), Amount: 540_000}},
			When: heard(said("RJCT")), Then: []events.Event{reported("RJCT")},
		},
		{
			Name: "with a report that is set aside", Given: []events.Event{sent, credited}, When: heard(said("RJCT")),
			Then: []events.Event{bankgateway.ReportSetAside{Instruction: named(), Report: said("RJCT"), Why: instruction.Contradictory}, died},
		},
		{Name: "nor for another reason", Given: []events.Event{sent}, When: hear("RJCT"), Then: []events.Event{bankgateway.PaymentReported{Instruction: named(), Report: bankgateway.Report{Status: "RJCT", Reason: "AC04"}}}},
	})
}
