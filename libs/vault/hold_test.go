package vault_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/vault"
)

func held(until time.Time) vault.Hold {
	return vault.Hold{Actor: "officer:lan", Reason: "accounting_law", Until: until}
}

func TestWhatIsOnHoldIsNotErasedUntilTheHoldEnds(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	kept, other := h.seal(t, tuyet(), vault.Index{}, time.Time{}).Ref, h.seal(t, binh(), vault.Index{}, time.Time{}).Ref
	if err := h.Hold(t.Context(), held(evening().AddDate(10, 0, 0)), kept); err != nil {
		t.Fatal(err)
	}
	if err := h.Erase(t.Context(), asked(), other, kept); !errors.Is(err, vault.ErrHeld) {
		t.Fatalf("erased: %v", err)
	}
	if got, err := h.Read(t.Context(), reading(), kept, other); err != nil || len(got) != 2 {
		t.Fatalf("something was erased all the same: %d, %v", len(got), err)
	}
	if err := h.Hold(t.Context(), held(evening()), kept); err != nil { // lifted
		t.Fatal(err)
	}
	if err := h.Erase(t.Context(), asked(), other, kept); err != nil {
		t.Fatal(err)
	}
}

func TestAHoldOutlivesTheExpiryAndTheMonth(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row := h.seal(t, tuyet(), vault.Index{}, evening().AddDate(0, 1, 0))
	end := evening().AddDate(0, 6, 0)
	if err := h.Hold(t.Context(), held(end), row.Ref); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(90 * 24 * time.Hour)
	if swept, err := h.Sweep(t.Context(), h.clock.Now()); err != nil || swept.Rows != 0 {
		t.Fatalf("%+v, %v", swept, err)
	}
	if err := h.DestroyMonth(t.Context(), asked(), "2026-11"); !errors.Is(err, vault.ErrHeld) {
		t.Fatalf("the month was destroyed: %v", err)
	}
	h.clock.Advance(end.Sub(h.clock.Now()))
	if swept, err := h.Sweep(t.Context(), h.clock.Now()); err != nil || swept.Rows != 1 {
		t.Fatalf("%+v, %v", swept, err)
	}
	if err := h.DestroyMonth(t.Context(), asked(), "2026-11"); err != nil {
		t.Fatal(err)
	}
}

func TestAPersonLearnsWhoReadThem(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	mine, other := h.seal(t, tuyet(), vault.Index{}, time.Time{}).Ref, h.seal(t, binh(), vault.Index{}, time.Time{}).Ref
	for _, refs := range [][]vault.Ref{{mine, other}, {other}, {mine}} {
		if _, err := h.Read(t.Context(), reading(), refs...); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(time.Hour)
	}
	one := func(at time.Time, ref vault.Ref) vault.Disclosure {
		return vault.Disclosure{At: at, Kind: "read", Actor: "officer:lan", Purpose: "identity_check", Case: "notice-7", Ref: ref}
	}
	told, err := h.Tell(t.Context(), reading(), mine)
	if err != nil {
		t.Fatal(err)
	}
	shown := one(h.clock.Now(), mine)
	shown.Kind = "report"
	want := []vault.Disclosure{one(evening(), mine), one(evening().Add(2*time.Hour), mine), shown}
	if diff := cmp.Diff(want, told.Readings); diff != "" {
		t.Error(diff)
	}
	got, err := h.ReadBy(t.Context(), "officer:lan", evening().Add(time.Hour), evening().Add(2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]vault.Disclosure{one(evening().Add(time.Hour), other)}, got); diff != "" {
		t.Error(diff)
	}
	if got, err := h.ReadBy(t.Context(), "officer:minh", evening(), evening().AddDate(1, 0, 0)); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	if err := h.Hold(t.Context(), vault.Hold{Actor: "officer:lan", Reason: "x"}, mine); err == nil {
		t.Error("a hold for ever")
	}
}
