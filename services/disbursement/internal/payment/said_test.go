package payment_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
)

// A bank that keeps no promise: it rejects, credits all the same and twice, and gives back, in any order and again and again.
// While more credits than returns are known, nothing else is done with the money; when all came back, it is free again.
func TestAContestLastsAsLongAsMoneyIsOut(t *testing.T) {
	t.Parallel()
	says := []string{"RJCT AC04", "RJCT AC01", "ACCC R1", "ACCC R2", "ACCC R3", "RTND b1", "RTND b2", "RTND b3"}
	rapid.Check(t, func(t *rapid.T) {
		p := decider.Fold(payment.Payment{}, released(), sent(), rejected("AC04"))
		if rapid.Bool().Draw(t, "reissued") {
			p = p.Evolve(reissued()).Evolve(disbursement.PaymentRejected{Payment: id, Attempt: 2, Reason: "AC04"})
		}
		heard := map[string]bool{}
		for _, text := range rapid.SliceOfN(rapid.SampledFrom(says), 0, 12).Draw(t, "says") {
			r := report(text)
			if r.Status == "RTND" {
				r.Reason, r.BankReference = "AC07", r.Reason
			}
			var command payment.Command = r
			if rapid.Bool().Draw(t, "aside") {
				command = payment.NoteReport{Report: r, Why: payment.Contradictory}
			}
			facts, err := command.Decide(p, decider.Meta{})
			if err != nil {
				t.Fatal(err)
			}
			p, heard[text] = decider.Fold(p, facts...), true
			out := 0
			for said := range heard {
				switch said[:4] {
				case "ACCC":
					out++
				case "RTND":
					out--
				}
			}
			if p.Contested() != (out > 0) {
				t.Fatalf("%d credits are out after %v, and contested is %t", out, heard, p.Contested())
			}
			if carries := p.Carries(); carries != (out <= 0) {
				t.Fatalf("%d credits are out after %v, and it is carried: %t", out, heard, carries)
			}
		}
	})
}
