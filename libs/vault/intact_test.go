package vault_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/vault"
)

func TestADamagedRowDoesNotTakeTheOthersWithIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	good := h.seal(t, tuyet(), vault.Index{}, time.Time{})
	bad := h.seal(t, binh(), vault.Index{}, time.Time{})
	never := vault.Ref("019a0000-0000-7000-8000-000000000000")
	exec(t, h.pool, `update vault set purpose = 'payment' where ref = $1`, string(bad.Ref))

	found, damaged, err := h.ReadIntact(t.Context(), reading(), good.Ref, never, bad.Ref)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]vault.Ref{good.Ref}, slices.Collect(maps.Keys(found))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[vault.Ref]bool{bad.Ref: true}, damaged); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(h.log.String(), string(bad.Ref)) {
		t.Error("nobody hears of the damage")
	}
}

func TestAnyNumberOfRowsIsReadWholly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row := h.seal(t, tuyet(), vault.Index{}, time.Time{})
	refs := slices.Repeat([]vault.Ref{row.Ref}, 2*vault.MaxRefs+1)
	found, damaged, err := h.ReadIntact(t.Context(), reading(), refs...)
	if err != nil || len(found) != 1 || len(damaged) != 0 {
		t.Fatalf("%d found, %d damaged, %v", len(found), len(damaged), err)
	}
}

func TestWhoeverDoesNotSayWhyReadsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row := h.seal(t, tuyet(), vault.Index{}, time.Time{})
	if found, _, err := h.ReadIntact(t.Context(), vault.Reading{}, row.Ref); err == nil || found != nil {
		t.Fatalf("read %v, %v", found, err)
	}
}

func TestANoteIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row, err := h.SealNote("Bà Ánh Tuyết đã chuyển đi", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	insert(t, h.pool, row)
	found, err := h.Read(t.Context(), reading(), row.Ref)
	if err != nil {
		t.Fatal(err)
	}
	var note vault.Note
	if err := found[row.Ref].Decode(&note); err != nil || note.Text != "Bà Ánh Tuyết đã chuyển đi" || row.Purpose != vault.NotePurpose {
		t.Fatalf("%q for %s, %v", note.Text, row.Purpose, err)
	}
}
