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
	// Staying is for what the law asks of long stays: whoever is still there on day 25 is to be told of day 30.
	Staying int  `query:"staying_days_at_least" minimum:"1" maximum:"9999" doc:"who arrived at least so many days ago and has not departed"`
	Persons bool `query:"persons" doc:"read the guests too; each reading is recorded"`
}

// Validate refuses to look among stays that are over for guests who are still there.
func (q ListNotices) Validate(f *problem.Faults) {
	if q.Staying > 0 && q.Status != "" && q.Status != notice.Notified {
		f.At("/status", problem.Fault{
			Code: "status_not_staying", Message: "only stays that are notified go on", MessageVI: "chỉ lượt lưu trú đang ở trạng thái notified mới còn tiếp diễn",
			Hint: "leave status out",
		})
	}
}

func (a *app) list(ctx context.Context, c httpapi.Call[ListNotices]) (httpapi.Page[Notice], error) {
	q := c.In
	if err := checkSpan(q.From, q.To); err != nil {
		return httpapi.Page[Notice]{}, err
	}
	filter := projections.StayFilter{
		Scope: scope(c.Pass, q.Unit), Facility: q.Facility, Status: q.Status, Identity: q.Identity,
		From: q.From, To: q.To, Late: q.Late, After: q.Cursor.At, Limit: q.More(),
	}
	if q.Staying > 0 {
		filter.Status = notice.Notified
		// The list runs back in time, so the first of them is where a page before would have ended.
		since := vn.DateOf(c.Meta.At).AddDays(1-q.Staying).At(0, 0)
		if filter.After == nil || filter.After.ArrivedAt.After(since) {
			filter.After = &projections.StayKey{ArrivedAt: since}
		}
	}
	return a.page(ctx, c, filter)
}

// checkSpan refuses days that end before they begin. An empty one leaves its side open.
func checkSpan(from, to string) error {
	var faults problem.Faults
	if from != "" && to != "" && from > to {
		faults.At("/query/from", problem.Fault{
			Code: "from_after_to", Message: "the first day is later than the last one", MessageVI: "ngày đầu sau ngày cuối",
		})
	}
	return faults.Err()
}

func (a *app) page(
	ctx context.Context, c httpapi.Call[ListNotices], filter projections.StayFilter,
) (httpapi.Page[Notice], error) {
	stays, err := projections.ListStays(ctx, a.pool, filter)
	if err != nil {
		return httpapi.Page[Notice]{}, err
	}
	stays, next := httpapi.Cut(c.In.Paging, stays, func(s projections.Stay) projections.StayKey {
		return projections.StayKey{ArrivedAt: s.ArrivedAt, Notice: s.Notice}
	})
	page := httpapi.Page[Notice]{Items: a.viewStays(stays, c.Who, false), Next: next}
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
	if l.Document != nil {
		person.CheckSearched(f, "/document/number", l.Document.Number)
	}
	if l.Document == nil && (l.FullName == "" || l.BirthDate == "") {
		f.At("", problem.Fault{
			Code: "lookup_incomplete", Message: "give a document, or full_name with birth_date", MessageVI: "cần giấy tờ, hoặc họ tên kèm ngày sinh",
		})
	}
}

// Found is the answer to a lookup.
type Found struct {
	Items     []Notice `json:"items"`
	Truncated bool     `json:"truncated" doc:"there are older stays that are not shown"`
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
		Scope: scope(c.Pass, ""), Guests: guests, Limit: lookupLimit + 1,
	})
	if err != nil {
		return Found{}, err
	}
	stays, truncated := cut(stays, lookupLimit)
	return Found{Items: a.viewStays(stays, c.Who, true), Truncated: truncated}, nil
}

// cut leaves as many as an answer has room for, of which one more was asked for, and tells whether any are left out.
func cut[T any](all []T, room int) (shown []T, truncated bool) {
	return all[:min(len(all), room)], len(all) > room
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
	From      string              `json:"from"`
	To        string              `json:"to"`
	By        string              `json:"by"`
	Items     []projections.Count `json:"items"`
	Truncated bool                `json:"truncated" doc:"there are lines with later keys that are not shown; ask for a smaller area or fewer days"`
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
	if err := checkSpan(q.From, q.To); err != nil {
		return Counts{}, err
	}
	items, err := projections.CountStays(ctx, a.pool, scope(c.Pass, q.Unit), projections.Counting{
		From: q.From, To: q.To, By: q.By, Limit: countLimit + 1,
	})
	if err != nil {
		return Counts{}, err
	}
	items, truncated := cut(items, countLimit)
	return Counts{From: q.From, To: q.To, By: q.By, Items: items, Truncated: truncated}, nil
}

// ListFacilities narrows a list of facilities.
type ListFacilities struct {
	httpapi.Paging[string]

	Kind string `query:"kind" enum:"tourist,dormitory,medical,household,boarding_house,other"`
}

func (a *app) listFacilities(ctx context.Context, c httpapi.Call[ListFacilities]) (httpapi.Page[Facility], error) {
	filter := projections.FacilityFilter{Scope: scope(c.Pass, ""), Kind: c.In.Kind, Limit: c.In.More()}
	if c.In.Cursor.At != nil {
		filter.After = *c.In.Cursor.At
	}
	rows, err := projections.ListFacilities(ctx, a.pool, filter)
	if err != nil {
		return httpapi.Page[Facility]{}, err
	}
	rows, next := httpapi.Cut(c.In.Paging, rows, func(f projections.Facility) string { return f.Facility })
	page := httpapi.Page[Facility]{Items: make([]Facility, 0, len(rows)), Next: next}
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
