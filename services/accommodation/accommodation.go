// Package accommodation is the service of facilities and stay notices: hotels, hospitals, guest houses, dormitories
// and landlords notify their guests' stays, and the commune police receive them (Law on Residence 68/2020/QH14
// Art. 30). See docs/architecture.md for the way of a check-in through the system.
package accommodation

import (
	"net/http"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/httpapi"
)

// Routes is the whole HTTP surface of the service.
func (s *service) routes() http.Handler {
	api := httpapi.New(s.api)
	facilities := []access.Role{access.Facility}
	police := []access.Role{access.CommunePolice, access.Admin}
	readers := []access.Role{access.Facility, access.CommunePolice, access.Admin, access.Auditor}
	counters := append([]access.Role{access.Steering}, readers...)

	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /notices", Summary: "Notify a guest's stay", Roles: facilities, Status: http.StatusCreated,
	}, s.notify)
	httpapi.Batch(api, httpapi.Route{
		Pattern: "POST /notices/batch", Summary: "Notify many stays, with a verdict for each", Roles: facilities, Status: http.StatusCreated,
	}, httpapi.Batching{Member: "notice"}, s.notify)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /notices/{id}/departure", Summary: "The guest left", Roles: facilities,
	}, s.depart)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /notices/{id}/extension", Summary: "The guest stays longer or shorter", Roles: facilities,
	}, s.extend)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /notices/{id}/room", Summary: "The guest changed rooms", Roles: facilities,
	}, s.changeRoom)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /notices/{id}/correction", Summary: "The person was entered wrongly", Roles: facilities,
	}, s.correct)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /notices/{id}/cancellation", Summary: "The stay never took place", Roles: facilities,
	}, s.cancel)

	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /notices", Summary: "List stays, the latest arrival first", Roles: readers, After: s.stays.WaitFor,
	}, s.list)
	httpapi.Query(api, httpapi.Route{Pattern: "GET /notices/{id}", Summary: "Read a stay and its guest", Roles: readers}, s.one)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /notices/{id}/history", Summary: "Everything that happened to a stay", Roles: readers,
	}, s.history)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /statistics", Summary: "Count stays by day, facility, kind or nationality", Roles: counters, After: s.stays.WaitFor,
	}, s.statistics)
	httpapi.Ask(api, httpapi.Route{
		Pattern: "POST /lookups", Summary: "Find where a person stays; each lookup is recorded", Roles: police, After: s.stays.WaitFor,
	}, s.lookup)
	s.facilityRoutes(api, police, readers)
	return api
}

func (s *service) facilityRoutes(api *httpapi.API, police, readers []access.Role) {
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /facilities", Summary: "Register a facility", Roles: police, Status: http.StatusCreated,
	}, s.registerFacility)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /facilities", Summary: "List facilities", Roles: readers, After: s.facilities.WaitFor,
	}, s.listFacilities)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /facilities/{id}/suspension", Summary: "Refuse the facility's keys for now", Roles: police,
	}, s.suspend)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /facilities/{id}/reinstatement", Summary: "Accept the facility's keys again", Roles: police,
	}, s.reinstate)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /facilities/{id}/keys", Summary: "Issue a key for the facility's software", Roles: police, Status: http.StatusCreated,
	}, s.issueKey)
	httpapi.Command(api, httpapi.Route{
		Pattern: "DELETE /facilities/{id}/keys/{key}", Summary: "Revoke a key", Roles: police,
	}, s.revokeKey)
	httpapi.Ask(api, httpapi.Route{
		Pattern: "POST /persons", Summary: "Resolve references to guests, for other services", Roles: []access.Role{access.Service},
	}, s.persons)
}

// keepGuests is how long a guest stays readable unless the configuration says otherwise.
const keepGuests = 5 * 365 * 24 * time.Hour
