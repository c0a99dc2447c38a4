package accommodation

import (
	"context"
	"fmt"

	facts "github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/person"
	"github.com/songan-vn/songan/services/accommodation/internal/facility"
	"github.com/songan-vn/songan/services/accommodation/internal/guest"
	"github.com/songan-vn/songan/services/accommodation/internal/notice"
	"github.com/songan-vn/songan/services/accommodation/internal/projections"
)

// ListNotices narrows a list of stays.
type ListNotices struct {
	httpapi.Paging[projections.StayKey]

	Status   string `query:"status" enum:"notified,departed,cancelled"`
	Facility string `query:"facility" maxLength:"40"`
	Unit     string `query:"unit" pattern:"^([0-9]{2}|[0-9]{5})$" doc:"a commune with what became it, or a province with its communes"`
	From     string `query:"from" format:"date" doc:"first day of arrival"`
	To       string `query:"to" format:"date" doc:"last day of arrival"`
	Late     *bool  `query:"late"`
	Identity string `query:"identity" enum:"pending,matched,mismatched,not_found,unavailable"`
	Persons  bool   `query:"persons" doc:"read the guests too; each reading is recorded"`
}

func (a *app) list(ctx context.Context, c httpapi.Call[ListNotices]) (httpapi.Page[Notice], error) {
	q := c.In
	return a.page(ctx, c, projections.StayFilter{
		Scope: scope(c.Pass, q.Unit), Facility: q.Facility, Status: q.Status, Identity: q.Identity,
		From: q.From, To: q.To, Late: q.Late, After: q.Cursor.At, Limit: q.Limit,
	})
}

func (a *app) page(
	ctx context.Context, c httpapi.Call[ListNotices], filter projections.StayFilter,
) (httpapi.Page[Notice], error) {
	stays, err := projections.ListStays(ctx, a.pool, filter)
	if err != nil {
		return httpapi.Page[Notice]{}, err
	}
	page := httpapi.Page[Notice]{Items: a.viewStays(stays, c.Who, false)}
	if len(stays) == filter.Limit {
		last := stays[len(stays)-1]
		page.Next = httpapi.NextCursor(projections.StayKey{ArrivedAt: last.ArrivedAt, Notice: last.Notice})
	}
	if !c.In.Persons || len(stays) == 0 {
		return page, nil
	}
	why, err := foundation.ReadFor(c.Pass, purposeSupervision, wholeList)
	if err != nil {
		return httpapi.Page[Notice]{}, err
	}
	people := make([]guestOf, 0, len(stays))
	for i := range stays {
		people = append(people, guestOf{&page.Items[i], stays[i].Guest, readerOf(c.Who, factsOf(stays[i]), false)})
	}
	return page, a.addGuests(ctx, why, people)
}

// wholeList is the case of what is read for a page of a list: no single file.
const wholeList = "list"

// viewStays shows stays as a caller may see them. stated says that a purpose and a case are known.
func (a *app) viewStays(stays []projections.Stay, who access.Principal, stated bool) []Notice {
	items := make([]Notice, 0, len(stays))
	for _, stay := range stays {
		answer := view(notice.Notice{
			StayNotified: factsOf(stay),
			Status:       stay.Status, DepartedAt: stay.DepartedAt, Identity: stay.Identity, IdentityFields: stay.IdentityFields,
		})
		a.mask(&answer, readerOf(who, factsOf(stay), stated))
		items = append(items, answer)
	}
	return items
}

func factsOf(stay projections.Stay) facts.StayNotified {
	return facts.StayNotified{
		Notice: stay.Notice, Receipt: stay.Receipt, Facility: stay.Facility, FacilityKind: stay.FacilityKind,
		Unit:  facts.Unit{Code: stay.UnitCode, ValidFrom: stay.UnitValidFrom},
		Guest: stay.Guest, Nationality: stay.Nationality, DocumentType: stay.DocumentType,
		ArrivedAt: stay.ArrivedAt, NotifiedAt: stay.NotifiedAt, ExpectedDeparture: stay.ExpectedDeparture,
		Room: stay.Room, Reason: stay.Reason, AccompaniedBy: stay.AccompaniedBy, Group: stay.Group,
		Duties: stay.Duties, Warnings: stay.Warnings,
	}
}

// Lookup asks where a person stays or stayed. Each one is recorded with its purpose and case.
type Lookup struct {
	Document  *LookupDocument `json:"document,omitzero"`
	FullName  string          `json:"full_name,omitzero" maxLength:"200"`
	BirthDate string          `json:"birth_date,omitzero" format:"partial-date"`
	Purpose   string          `json:"purpose" pattern:"^[a-z][a-z0-9_.-]{0,63}$" example:"missing_person"`
	Case      string          `json:"case" pattern:"^[!-~]{1,100}$" doc:"number of the file the lookup belongs to" example:"BD-2026-118"`
}

// LookupDocument is the document to look for.
type LookupDocument struct {
	Type   string `json:"type" enum:"citizen_id,old_id,passport,birth_certificate"`
	Number string `json:"number" maxLength:"40"`
}

// Validate wants a document, or a name with its birth date.
func (l Lookup) Validate(f *problem.Faults) {
	person.CheckNobody(f, "/purpose", l.Purpose)
	person.CheckNobody(f, "/case", l.Case)
	if l.Document == nil && (l.FullName == "" || l.BirthDate == "") {
		f.At("", problem.Fault{
			Code: "lookup_incomplete", Message: "give a document, or full_name with birth_date", MessageVI: "cần giấy tờ, hoặc họ tên kèm ngày sinh",
		})
	}
}

// Found is the answer to a lookup.
type Found struct {
	Items []Notice `json:"items"`
}

// lookupLimit is the most stays one lookup answers with, the latest first.
const lookupLimit = 200

func (a *app) lookup(ctx context.Context, c httpapi.Call[Lookup]) (Found, error) {
	why, err := foundation.ReadFor(c.Pass, c.In.Purpose, c.In.Case)
	if err != nil {
		return Found{}, err
	}
	refs, err := a.find(ctx, why, c.In)
	if err != nil {
		return Found{}, err
	}
	guests := make([]string, 0, len(refs))
	for _, ref := range refs {
		guests = append(guests, string(ref))
	}
	stays, err := projections.ListStays(ctx, a.pool, projections.StayFilter{
		Scope: scope(c.Pass, ""), Guests: guests, Limit: lookupLimit,
	})
	if err != nil {
		return Found{}, err
	}
	return Found{Items: a.viewStays(stays, c.Who, true)}, nil
}

func (a *app) find(ctx context.Context, why vault.Reading, l Lookup) ([]vault.Ref, error) {
	if l.Document != nil {
		return a.vault.FindByDocument(ctx, why, guest.DocumentIndex(l.Document.Number))
	}
	return a.vault.FindByName(ctx, why, guest.NameIndex(l.FullName, l.BirthDate))
}

// Statistics counts stays. They stay right when people are erased.
type Statistics struct {
	Unit string `query:"unit" pattern:"^([0-9]{2}|[0-9]{5})$" doc:"a commune with what became it, or a province with its communes"`
	From string `query:"from" format:"date" doc:"today when left out"`
	To   string `query:"to" format:"date" doc:"today when left out"`
	By   string `query:"by" enum:"day,facility,kind,nationality" default:"day"`
}

// Counts are the statistics, a line per key.
type Counts struct {
	From  string              `json:"from"`
	To    string              `json:"to"`
	By    string              `json:"by"`
	Items []projections.Count `json:"items"`
}

// countLimit is the most lines of a statistic; a province has fewer facilities and the world fewer nations.
const countLimit = 10_000

func (a *app) statistics(ctx context.Context, c httpapi.Call[Statistics]) (Counts, error) {
	q, today := c.In, vn.DateOf(c.Meta.At).String()
	if q.From == "" {
		q.From = today
	}
	if q.To == "" {
		q.To = today
	}
	items, err := projections.CountStays(ctx, a.pool, scope(c.Pass, q.Unit), projections.Counting{
		From: q.From, To: q.To, By: q.By, Limit: countLimit,
	})
	if err != nil {
		return Counts{}, err
	}
	return Counts{From: q.From, To: q.To, By: q.By, Items: items}, nil
}

// ListFacilities narrows a list of facilities.
type ListFacilities struct {
	httpapi.Paging[string]

	Kind string `query:"kind" enum:"tourist,dormitory,medical,household,boarding_house,other"`
}

func (a *app) listFacilities(ctx context.Context, c httpapi.Call[ListFacilities]) (httpapi.Page[Facility], error) {
	filter := projections.FacilityFilter{Scope: scope(c.Pass, ""), Kind: c.In.Kind, Limit: c.In.Limit}
	if c.In.Cursor.At != nil {
		filter.After = *c.In.Cursor.At
	}
	rows, err := projections.ListFacilities(ctx, a.pool, filter)
	if err != nil {
		return httpapi.Page[Facility]{}, err
	}
	page := httpapi.Page[Facility]{Items: make([]Facility, 0, len(rows))}
	if len(rows) == c.In.Limit {
		page.Next = httpapi.NextCursor(rows[len(rows)-1].Facility)
	}
	profiles, err := a.profiles(ctx, c.Pass, rows)
	if err != nil {
		return httpapi.Page[Facility]{}, err
	}
	for _, row := range rows {
		f := a.viewFacility(facility.Facility{
			FacilityRegistered: facts.FacilityRegistered{
				Facility: row.Facility, Kind: row.Kind, Unit: facts.Unit{Code: row.UnitCode, ValidFrom: row.UnitValidFrom},
				Remote: row.Remote, Organisation: row.Organisation,
			},
			Suspended: row.Suspended,
		})
		p, _ := privacy.Show(a.disclosure, "facility", privacy.Reader{Role: c.Who.Role}, profiles[row.Profile])
		f.Name, f.Address, f.Phone, f.Contact = p.Name, p.Address, p.Phone, p.Contact
		page.Items = append(page.Items, f)
	}
	return page, nil
}

// profiles reads names and addresses of facilities from the vault.
func (a *app) profiles(ctx context.Context, may policy.Pass, rows []projections.Facility) (map[string]profile, error) {
	why, err := foundation.ReadFor(may, "facility_list", wholeList)
	if err != nil {
		return nil, err
	}
	refs := make([]vault.Ref, 0, len(rows))
	for _, row := range rows {
		refs = append(refs, vault.Ref(row.Profile))
	}
	found, _, err := a.vault.ReadIntact(ctx, why, refs...)
	if err != nil {
		return nil, fmt.Errorf("read the profiles of facilities: %w", err)
	}
	profiles := make(map[string]profile, len(found))
	for ref, plain := range found {
		var p profile
		if err := plain.Decode(&p); err != nil {
			return nil, fmt.Errorf("read the profiles of facilities: %w", err)
		}
		profiles[string(ref)] = p
	}
	return profiles, nil
}
