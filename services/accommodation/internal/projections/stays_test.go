package projections

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/events/identity"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/services/accommodation/internal/notice"
)

// A row shows what the decider's state says, whatever happened to the stay.
func TestARowAgreesWithTheStateOfItsNotice(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)
	first := accommodation.StayNotified{Notice: "N1", Guest: "G1", Nationality: "VNM", ArrivedAt: at, NotifiedAt: at}
	facts := []events.Event{
		accommodation.Departed{Notice: "N1", DepartedAt: at.AddDate(0, 0, 40)},
		accommodation.StayExtended{Notice: "N1", ExpectedDeparture: "2026-12-30", Warnings: []string{"w"}},
		accommodation.RoomChanged{Notice: "N1", Room: "202"},
		accommodation.GuestCorrected{Notice: "N1", Guest: "G2", Nationality: "DEU", Duties: []accommodation.Duty{{LateBySeconds: 1}}},
		accommodation.StayCancelled{Notice: "N1"},
		accommodation.IdentityRecorded{Notice: "N1", Guest: "G1", Result: identity.ResultMismatched, Fields: []string{"sex"}},
	}
	for _, e := range accommodation.NoticeFacts() {
		if !slices.ContainsFunc(append(facts, first), func(f events.Event) bool { return f.EventName() == e.EventName() }) {
			t.Errorf("%s never happens here", e.EventName())
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		history := append([]events.Event{first}, rapid.SliceOfN(rapid.SampledFrom(facts), 0, 8).Draw(t, "history")...)
		n := decider.Fold(notice.Notice{}, history...)
		var row Stay
		for _, e := range history {
			recorded := events.Recorded{Event: e}
			if key, ok := stayKey(recorded); !ok || key != "N1" {
				t.Fatalf("%T concerns row %q", e, key)
			}
			row = applyToStay(row, recorded)
		}
		want := Stay{
			Notice: n.Notice, Guest: n.Guest, Nationality: n.Nationality, DocumentType: n.DocumentType,
			ArrivedAt: n.ArrivedAt, ArrivedOn: "2026-11-21", NotifiedAt: n.NotifiedAt, ExpectedDeparture: n.ExpectedDeparture,
			Room: n.Room, Duties: n.Duties, Warnings: n.Warnings, Late: late(n.Duties), Status: n.Status,
			DepartedAt: n.DepartedAt, Identity: n.Identity, IdentityFields: n.IdentityFields,
		}
		if diff := cmp.Diff(want, row); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Without its case a fact would be passed over, and the row be wrong: applying it panics instead.
func TestEveryFactConcernsItsRowAndHasACase(t *testing.T) {
	t.Parallel()
	for _, e := range accommodation.NoticeFacts() {
		r := events.Recorded{Event: e}
		if _, ok := stayKey(r); !ok {
			t.Errorf("%s changes no row", e.EventName())
		}
		applyToStay(Stay{}, r)
	}
	for _, e := range accommodation.FacilityFacts() {
		r := events.Recorded{Event: e}
		if _, ok := facilityKey(r); !ok {
			t.Errorf("%s changes no row", e.EventName())
		}
		applyToFacility(Facility{}, r)
	}
}
