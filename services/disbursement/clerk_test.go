package disbursement_test

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/enrolment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections/sheets"
)

// A clerk that died after some sheets goes on with the next one: the list is the same as if nothing had happened.
func TestAClerkThatDiedGoesOn(t *testing.T) {
	t.Parallel()
	o := open(t)
	const many = 2_300 // three sheets
	o.province(t, many)
	first := o.draft(t, "lisa", "00004", "social_pension", "2026-11")
	id, hash := first.Text(t, "id"), first.Text(t, "hash")
	o.step(t, "lisa", id, "rejection", object{"reason": "lập lại"}).Want(t, http.StatusOK)
	o.stop()

	log := o.log(t)
	o.crashed(t, log, id)
	log.Close()
	o.start(t)
	again := o.computed(t, "lisa", id)
	if again.Text(t, "hash") != hash {
		t.Fatalf("another list than before the crash:\n%s\n%s", first.Body, again.Body)
	}
	log = o.log(t)
	defer log.Close()
	seen := map[string]bool{}
	err := sheets.Each(t.Context(), log, sheets.Draft{Payroll: id, Number: 2}, 0, func(s sheets.Sheet) error {
		for _, l := range s.Lines {
			if seen[l.Payment] {
				return errors.New("a line stands in the list twice")
			}
			seen[l.Payment] = true
		}
		return nil
	})
	if err != nil || len(seen) != many+many/12+1 {
		t.Fatalf("%d lines, %v", len(seen), err)
	}
}

// crashed leaves a second draft as a clerk leaves it that died after its first sheet.
func (o *office) crashed(t testing.TB, log *eventstore.Store, id string) {
	t.Helper()
	history, err := log.Load(t.Context(), payroll.Stream(id))
	if err != nil {
		t.Fatal(err)
	}
	drafted := history[0].Event.(disbursement.PayrollDrafted)
	drafted.Draft = 2
	chunks, err := log.Load(t.Context(), payroll.LinesStream(id, 1, 0))
	if err != nil || len(chunks) == 0 {
		t.Fatalf("%d chunks, %v", len(chunks), err)
	}
	var sheet []events.Event
	for _, r := range chunks {
		chunk := r.Event.(payroll.LinesComputed)
		chunk.Draft = 2
		sheet = append(sheet, chunk)
	}
	for _, a := range []eventstore.Append{
		{Stream: payroll.Stream(id), Expected: len(history), Facts: []events.Event{drafted}},
		{Stream: payroll.LinesStream(id, 2, 0), Facts: sheet},
	} {
		if _, err := log.Append(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
}

// province appends people and rights past the API, and waits until the read models show them.
func (o *office) province(t testing.TB, people int) {
	t.Helper()
	keys, err := vault.LoadKeys(filepath.Join(o.Config.Data, "vault-disbursement.key"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), o.Pool, keys, vault.Options{Now: o.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	log := o.log(t)
	defer log.Close()
	birth, err := vn.ParsePartialDate("1950-05-05")
	if err != nil {
		t.Fatal(err)
	}
	meta := events.Meta{OccurredAt: noon.AddDate(0, -1, 0)}
	var files, rights []eventstore.Append
	for i := range people {
		id := fmt.Sprintf("b%06d", i)
		mark := v.Name("person", id)
		row, err := v.Seal(enrolment.Purpose, enrolment.Profile{Category: "social_pension", BirthDate: birth}, vault.Index{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		signed := "2026-11-02"
		if i%12 == 0 {
			signed = "2026-10-20"
		}
		files = append(files, eventstore.Append{Stream: "beneficiary-" + id, Meta: meta, Facts: append([]events.Event{
			accounts.BeneficiaryRegistered{Beneficiary: id, Unit: unit, FileNumber: id, Person: "p" + id, Mark: mark},
			accounts.BeneficiaryIdentified{Beneficiary: id, Person: "p" + id, Result: "matched"},
		}, accountOf(id, vietcombank, 1, "k"+id)...)})
		rights = append(rights, eventstore.Append{Stream: enrolment.Stream(id), Meta: meta, Secrets: []vault.Row{row}, Facts: []events.Event{disbursement.Enrolled{
			Enrolment: id, Beneficiary: id, Mark: mark, Unit: unit, Programme: "social_pension",
			Decision: "1/QĐ", SignedOn: signed, Profile: string(row.Ref), By: "lisa",
		}}})
	}
	for store, appends := range map[*eventstore.Store][]eventstore.Append{o.people.base.Log: files, log: rights} {
		results, err := store.AppendAll(t.Context(), appends)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
	}
	testkit.Within(t, 5*time.Minute, func() error {
		var shown, enrolled int
		err := o.Pool.QueryRow(t.Context(), `select (select count(*) from beneficiaries where state = 'open'), (select count(*) from enrolments)`).Scan(&shown, &enrolled)
		if err != nil || shown < people || enrolled < people {
			return fmt.Errorf("%d people and %d rights are shown (%w)", shown, enrolled, err)
		}
		return nil
	})
	if _, err := o.Pool.Exec(t.Context(), `analyze`); err != nil {
		t.Fatal(err)
	}
}

// log opens the service's log beside it.
func (o *office) log(t testing.TB) *eventstore.Store {
	t.Helper()
	log, err := eventstore.Open(t.Context(), o.Pool, eventstore.Options{
		Catalog: events.NewCatalog(disbursement.Catalog(), payroll.PrivateFacts()), Now: o.Clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return log
}
