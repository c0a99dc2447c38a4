package bank_test

import (
	"slices"
	"testing"

	"github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/events/eventstest"
)

func TestMessagesOfBanksCanBeReadForEver(t *testing.T) {
	t.Parallel()
	eventstest.Goldens(t, "testdata", append(bank.Instructions(), bank.Reports()...))
}

func TestEverythingOfABankIsNamedAfterIt(t *testing.T) {
	t.Parallel()
	topics := bank.Topics{Prefix: "songan", BIC: "ICBVVNVX"}
	got := []string{topics.Instructions(), topics.Reports(), topics.Groups(), topics.User()}
	want := []string{"songan.bank.ICBVVNVX.instructions.v1", "songan.bank.ICBVVNVX.reports.v1", "songan.bank.ICBVVNVX.", "songan.bank.ICBVVNVX"}
	if !slices.Equal(want, got) {
		t.Errorf("names %q, want %q", got, want)
	}
}
