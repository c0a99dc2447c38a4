package vault_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/vault"
)

// term is what a rule of five years means at the clock of a house.
func (h *house) term(unread bool) vault.Term {
	return vault.Term{
		Rule: "guests.2020", LegalBasis: "Luật Cư trú", Purpose: "stay_guest", Before: h.clock.Now().AddDate(-5, 0, 0), Unread: unread,
	}
}

func (h *house) due(t *testing.T, term vault.Term) vault.Due {
	t.Helper()
	due, err := h.Due(t.Context(), term)
	if err != nil {
		t.Fatal(err)
	}
	return due
}

func (h *house) retain(t *testing.T, term vault.Term) int {
	t.Helper()
	n, err := h.Retain(t.Context(), term)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRowsGoWhenTheirTimeIsOverAndWithAProof(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	old, held := h.seal(t, tuyet(), vault.Index{}, time.Time{}), h.seal(t, binh(), vault.Index{}, time.Time{})
	note, err := h.SealNote("nhầm", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	insert(t, h.pool, note)
	h.clock.Advance(time.Millisecond)
	young := h.seal(t, tuyet(), vault.Index{}, time.Time{})
	h.clock.Advance(evening().AddDate(5, 0, 0).Sub(h.clock.Now())) // five years after the first, to the millisecond
	if got := h.due(t, h.term(false)); got.Due != 0 || got.Rows != 3 || !got.Oldest.Equal(evening()) {
		t.Fatalf("on its last day: %+v", got)
	}
	h.clock.Advance(time.Millisecond)
	if err := h.Hold(t.Context(), held5(h), held.Ref); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(vault.Due{Rows: 3, Due: 1, Held: 1, Oldest: evening().UTC()}, h.due(t, h.term(false))); diff != "" {
		t.Fatal(diff)
	}
	term := h.term(false)
	if n := h.retain(t, term); n != 1 {
		t.Fatalf("%d rows went", n)
	}
	if got := read(t, h.Vault, old.Ref, held.Ref, young.Ref); len(got) != 2 || got[old.Ref] == tuyet() {
		t.Errorf("what can be read: %v", got)
	}
	proofs, err := h.Retained(t.Context())
	if err != nil || len(proofs) != 1 {
		t.Fatal(proofs, err)
	}
	want := vault.Retained{
		At: h.clock.Now(), Rule: term.Rule, LegalBasis: term.LegalBasis, Purpose: term.Purpose, Before: term.Before, Rows: 1,
		RefsSHA256: proofs[0].RefsSHA256,
	}
	if diff := cmp.Diff(want, proofs[0]); diff != "" || len(proofs[0].RefsSHA256) != 64 {
		t.Error(diff)
	}
	if ledger := readFile(t, h.ledger()); strings.Count(ledger, "\n") != 1 || !strings.Contains(ledger, string(old.Ref)) || !strings.Contains(ledger, `"retention"`) {
		t.Errorf("the ledger says %s", ledger)
	}
	if n := h.retain(t, term); n != 0 {
		t.Errorf("%d rows went the second time", n)
	}
	if proofs, err = h.Retained(t.Context()); err != nil || len(proofs) != 1 {
		t.Errorf("a proof of nothing: %v, %v", proofs, err)
	}
}

func held5(h *house) vault.Hold {
	return vault.Hold{Actor: "officer:lan", Reason: "court_case", Until: h.clock.Now().AddDate(5, 0, 0)}
}

func TestWhatIsStillReadIsStillNeeded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	used := h.seal(t, tuyet(), vault.Index{Document: number}, time.Time{})
	unused := h.seal(t, binh(), vault.Index{}, time.Time{})
	h.clock.Advance(365 * 24 * time.Hour)
	read(t, h.Vault, used.Ref)
	h.clock.Advance(evening().AddDate(5, 0, 1).Sub(h.clock.Now()))
	if _, err := h.FindByDocument(t.Context(), reading(), number); err != nil { // looked for, not read
		t.Fatal(err)
	}
	if n := h.retain(t, h.term(true)); n != 1 {
		t.Fatalf("%d rows went, want the one that nobody read", n)
	}
	if erased, err := h.Erased(t.Context(), used.Ref, unused.Ref); err != nil || len(erased) != 1 || erased[unused.Ref].Reason != "retention" {
		t.Fatalf("%v, %v", erased, err)
	}
	h.clock.Advance(366 * 24 * time.Hour)
	if n := h.retain(t, h.term(true)); n != 1 {
		t.Errorf("%d rows went five years after the last reading", n)
	}
}

func TestManyRowsGoInSmallSteps(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const rows = 1203
	exec(t, h.pool, `
insert into vault (ref, purpose, key, ciphertext)
select ('019a0000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'stay_guest', '2025-10', '' from generate_series(1, $1) n`, rows)
	h.clock.Advance(6 * 366 * 24 * time.Hour)
	if n := h.retain(t, h.term(true)); n != rows {
		t.Fatalf("%d rows went", n)
	}
	if sum := count(t, h.pool, `select sum(rows)::int from vault_retention`); sum != rows {
		t.Errorf("the proofs speak of %d rows", sum)
	}
	if lines := strings.Count(readFile(t, h.ledger()), "\n"); lines != rows {
		t.Errorf("%d lines in the ledger", lines)
	}
}

func TestMonthsWithoutRowsLoseTheirKeys(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row := h.seal(t, tuyet(), vault.Index{}, time.Time{})
	h.clock.Advance(evening().AddDate(5, 0, 1).Sub(h.clock.Now()))
	if _, err := h.Sweep(t.Context(), h.clock.Now()); err != nil {
		t.Fatal(err)
	}
	if destroyed, err := h.DestroySpent(t.Context()); err != nil || len(destroyed) != 1 { // December 2026 was made ahead
		t.Fatalf("%v, %v: the month that still has a row must stay", destroyed, err)
	}
	h.retain(t, h.term(false))
	if destroyed, err := h.DestroySpent(t.Context()); err != nil || !cmp.Equal(destroyed, []string{"2026-11"}) {
		t.Fatalf("%v, %v", destroyed, err)
	}
	insert(t, h.pool, row) // a backup
	exec(t, h.pool, `delete from vault_erasures`)
	if got := read(t, h.Vault, row.Ref); len(got) != 0 {
		t.Error("a backup opens what was kept long enough")
	}
}

func TestATermSaysWhatItStandsOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, spoil := range map[string]func(*vault.Term){
		"no rule":    func(term *vault.Term) { term.Rule = "" },
		"no law":     func(term *vault.Term) { term.LegalBasis = "" },
		"no purpose": func(term *vault.Term) { term.Purpose = "" },
		"no time":    func(term *vault.Term) { term.Before = time.Time{} },
	} {
		term := h.term(false)
		spoil(&term)
		if _, err := h.Retain(t.Context(), term); err == nil {
			t.Errorf("%s: erased", name)
		}
		if _, err := h.Due(t.Context(), term); err == nil {
			t.Errorf("%s: counted", name)
		}
	}
}

func TestPurposesAreListed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.seal(t, tuyet(), vault.Index{}, time.Time{})
	if all, err := h.Purposes(t.Context()); err != nil || !cmp.Equal(all, []string{"stay_guest"}) {
		t.Errorf("%v, %v", all, err)
	}
}
