package vault_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/vault"
)

// recorded is a row of vault_readings.
type recorded struct {
	At                           time.Time
	Kind, Actor, Purpose, CaseID string
	Refs                         []string
}

func readings(t *testing.T, h *house) []recorded {
	t.Helper()
	rows, err := h.pool.Query(t.Context(),
		`select at, kind, actor, purpose, case_ref, refs::text[] from vault_readings order by id`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[recorded])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryReadingIsRecorded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.seal(t, tuyet(), vault.Index{Document: number, Name: folded}, time.Time{})
	never := vault.Ref("019a0000-0000-7000-8000-000000000000")

	read(t, h.Vault, a.Ref, never, a.Ref)
	for range 2 {
		if _, err := h.FindByDocument(t.Context(), reading(), number); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.FindByName(t.Context(), reading(), "NOBODY"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Read(t.Context(), reading()); err != nil { // nobody asked for is nobody read
		t.Fatal(err)
	}

	say := func(kind string, refs ...string) recorded {
		return recorded{evening(), kind, reading().Actor, reading().Purpose, reading().Case, refs}
	}
	want := []recorded{
		say("read", string(a.Ref), string(never)), say("document", string(a.Ref)), say("document", string(a.Ref)), say("name"),
	}
	if diff := cmp.Diff(want, readings(t, h), cmpopts.EquateApproxTime(0), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	if n := count(t, h.pool, `select count(*) from vault_readings r where r::text ~ $1 or r::text ~ $2`, number, folded); n != 0 {
		t.Error("the searched value was kept")
	}
}

func TestWhatCannotBeRecordedIsNotRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.seal(t, tuyet(), vault.Index{Document: number}, time.Time{})
	exec(t, h.pool, `alter table vault_readings add check (actor <> 'officer:lan')`)
	if got, err := h.Read(t.Context(), reading(), a.Ref); err == nil || got != nil {
		t.Errorf("read %v, %v", got, err)
	}
	if got, err := h.FindByDocument(t.Context(), reading(), number); err == nil || got != nil {
		t.Errorf("found %v, %v", got, err)
	}
	exec(t, h.pool, `alter table vault_readings drop constraint vault_readings_actor_check`)
	exec(t, h.pool, `
create function refuse() returns trigger language plpgsql as $$ begin raise exception 'at commit'; end $$`)
	exec(t, h.pool, `
create constraint trigger refuse after insert on vault_readings deferrable initially deferred
for each row execute function refuse()`)
	if got, err := h.Read(t.Context(), reading(), a.Ref); err == nil || got != nil {
		t.Errorf("read before the commit was sure: %v, %v", got, err)
	}
}

func TestAReaderSaysWhoAndWhyAndWherefore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.seal(t, tuyet(), vault.Index{Document: number}, time.Time{})
	for name, r := range map[string]vault.Reading{
		"nothing":            {},
		"no actor":           {Purpose: "identity_check", Case: "notice-7"},
		"no purpose":         {Actor: "officer:lan", Case: "notice-7"},
		"no case":            {Actor: "officer:lan", Purpose: "identity_check"},
		"a purpose in words": {Actor: "officer:lan", Purpose: "asked by Lan", Case: "notice-7"},
		"a person as case":   {Actor: "officer:lan", Purpose: "identity_check", Case: "Nguyễn Thị Ánh Tuyết"},
		"a NUL":              {Actor: "officer:\x00", Purpose: "identity_check", Case: "notice-7"},
		"an endless case":    {Actor: "officer:lan", Purpose: "identity_check", Case: strings.Repeat("x", 201)},
	} {
		_, readErr := h.Read(t.Context(), r, a.Ref)
		_, documentErr := h.FindByDocument(t.Context(), r, number)
		_, nameErr := h.FindByName(t.Context(), r, folded)
		if readErr == nil || documentErr == nil || nameErr == nil {
			t.Errorf("%s: %v, %v, %v", name, readErr, documentErr, nameErr)
		}
	}
	if got := readings(t, h); len(got) != 0 {
		t.Errorf("recorded %v", got)
	}
}

func TestReferencesAreCheckedBeforeAnythingIsAsked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, ref := range []vault.Ref{
		"", "x", "019a0000-0000-4000-8000-000000000000", "019A0000-0000-7000-8000-000000000000",
		"019a0000-0000-7000-8000-00000000000g", "019a0000+0000-7000-8000-000000000000", "019a00000000700080000000000000000000",
	} {
		if _, err := h.Read(t.Context(), reading(), ref); err == nil {
			t.Errorf("%q was read", ref)
		}
		if err := h.Erase(t.Context(), asked(), ref); err == nil {
			t.Errorf("%q was erased", ref)
		}
	}
	many := make([]vault.Ref, vault.MaxRefs+1)
	_, readErr := h.Read(t.Context(), reading(), many...)
	_, erasedErr := h.Erased(t.Context(), many...)
	eraseErr := h.Erase(t.Context(), asked(), many...)
	for _, err := range []error{readErr, erasedErr, eraseErr} {
		if !errors.Is(err, vault.ErrTooMany) {
			t.Errorf("%d references: %v", len(many), err)
		}
	}
}

func TestPeopleAreFoundByDocumentAndName(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.seal(t, tuyet(), vault.Index{Document: number, Name: folded}, time.Time{})
	h.clock.Advance(time.Hour)
	second := h.seal(t, tuyet(), vault.Index{Document: number, Name: folded}, time.Time{})
	h.seal(t, binh(), vault.Index{Document: "B1234567", Name: "TRAN VAN BINH"}, time.Time{})
	gone := h.seal(t, tuyet(), vault.Index{Document: number, Name: folded}, time.Time{})
	expired := h.seal(t, tuyet(), vault.Index{Document: number, Name: folded}, h.clock.Now().Add(time.Minute))
	if err := h.Erase(t.Context(), asked(), gone.Ref); err != nil {
		t.Fatal(err)
	}
	insert(t, h.pool, gone) // as if it had come back
	h.clock.Advance(time.Hour)

	byDocument, err := h.FindByDocument(t.Context(), reading(), number)
	if err != nil {
		t.Fatal(err)
	}
	byName, err := h.another(t).FindByName(t.Context(), reading(), folded)
	if err != nil {
		t.Fatal(err)
	}
	want := []vault.Ref{second.Ref, first.Ref}
	if diff := cmp.Diff([][]vault.Ref{want, want}, [][]vault.Ref{byDocument, byName}); diff != "" {
		t.Error(diff)
	}
	if got := read(t, h.Vault, first.Ref, gone.Ref, expired.Ref); len(got) != 1 {
		t.Errorf("read %v", got)
	}
}

func TestAnIndexOfOneKindSaysNothingAboutAnother(t *testing.T) {
	t.Parallel()
	h, other := newHouse(t), newHouse(t)
	one := h.seal(t, tuyet(), vault.Index{Document: "SAME", Name: "SAME"}, time.Time{})
	two := other.seal(t, tuyet(), vault.Index{Document: "SAME", Name: "SAME"}, time.Time{})
	seen := map[string]bool{
		string(one.DocumentIndex): true, string(one.NameIndex): true,
		string(two.DocumentIndex): true, string(two.NameIndex): true,
	}
	if len(seen) != 4 {
		t.Errorf("%d different indexes of 4", len(seen))
	}
}

func TestSearchingForNothingFindsNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.seal(t, tuyet(), vault.Index{}, time.Time{})
	for _, find := range []func() ([]vault.Ref, error){
		func() ([]vault.Ref, error) { return h.FindByDocument(t.Context(), reading(), "") },
		func() ([]vault.Ref, error) { return h.FindByName(t.Context(), reading(), "") },
	} {
		if got, err := find(); err != nil || len(got) != 0 {
			t.Errorf("found %v, %v", got, err)
		}
	}
	if _, err := h.FindByDocument(t.Context(), reading(), "079 190 001 234"); !errors.Is(err, vault.ErrNotNormalised) {
		t.Errorf("a number that could never be found: %v", err)
	}
	if _, err := h.FindByName(t.Context(), reading(), "Nguyễn"); !errors.Is(err, vault.ErrNotNormalised) {
		t.Errorf("a name that could never be found: %v", err)
	}
}
