// Package accommodation is the service of facilities and stay notices: hotels, hospitals, guest houses, dormitories
// and landlords notify their guests' stays, and the commune police receive them (Law on Residence 68/2020/QH14
// Art. 30). See docs/architecture.md for the way of a check-in through the system.
package accommodation

import (
	"context"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	facts "github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/events/identity"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/keybook"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/libs/witness"
	"github.com/songan-vn/songan/services/accommodation/internal/duty"
	"github.com/songan-vn/songan/services/accommodation/internal/facility"
	"github.com/songan-vn/songan/services/accommodation/internal/projections"
	"github.com/songan-vn/songan/services/accommodation/internal/reactions"
	"github.com/songan-vn/songan/services/accommodation/trail"
)

// Name is the service's name in paths, topics and configuration.
const Name = "accommodation"

// Config is what can be set besides service.Config.
type Config struct {
	// Rules is a file that replaces the deadlines which come with the program.
	Rules string `env:"SONGAN_ACCOMMODATION_RULES"`
}

// app is what the handlers work with.
type app struct {
	pool   *pgxpool.Pool
	log    *eventstore.Store
	vault  *vault.Vault
	now    func() time.Time
	rules  duty.Rules
	units  *units.Directory
	places *places
	keys   *access.Cache
	// standing tells which facilities are suspended.
	standing *access.Cache
	// disclosure says in which form each role sees what about people; proof proves a fact of a stream.
	disclosure privacy.Table
	proof      func(ctx context.Context, stream string, version int) (witness.Receipt, error)
	uses       *keybook.Uses

	stays, facilities *projection.Model
}

// New builds the service. Its own keyring, the keys of facilities, is read from its log.
func New(ctx context.Context, deps service.Deps) (service.Service, error) {
	config, err := service.Load[Config]()
	if err != nil {
		return service.Service{}, err
	}
	rules, err := service.ReadRules("SONGAN_ACCOMMODATION_RULES", config.Rules, duty.National, duty.Parse)
	if err != nil {
		return service.Service{}, err
	}
	directory, err := units.Load()
	if err != nil {
		return service.Service{}, err
	}
	base, err := foundation.Open(ctx, deps, foundation.Options{
		Service: Name,
		Own:     events.NewCatalog(facts.Catalog(), facility.PrivateFacts()),
		Others:  events.NewCatalog(identity.Catalog()),
	})
	if err != nil {
		return service.Service{}, err
	}
	a := &app{
		pool: base.Pool, log: base.Log, vault: base.Vault, now: deps.Now,
		rules: rules, units: directory, places: newPlaces(base.Log, deps.CutOff), uses: deps.Uses,
		disclosure: base.Disclosure, proof: base.Proof,
	}
	a.keys = access.Cached(a.places, access.CacheOptions{TTL: keyTTL, Size: cachedKeys, Now: deps.Now})
	a.standing = access.Cached(standing{base.Log}, access.CacheOptions{TTL: keyTTL, Size: cachedKeys, Now: deps.Now})
	if err := a.wire(ctx, base); err != nil {
		base.Close()
		return service.Service{}, err
	}
	api := base.API("Accommodation notices", a.keys)
	api.Auth = api.Auth.Unless(a.refuseSuspended)
	routes := a.routes(api)
	base.Operate(routes)
	base.AnswerPeople(routes, foundation.Subjects{Trail: func(ctx context.Context, found []vault.Ref) (subject.Trail, error) {
		return trail.Of(ctx, base.Pool, found)
	}})
	return base.Service(routes), nil
}

const (
	// keyTTL is how long another replica may still accept a key that was revoked here, or a facility that was suspended.
	keyTTL     = 5 * time.Second
	cachedKeys = 20_000
	// inFlight is how many answers of the population database are recorded at the same time, per partition.
	inFlight = 64
)

// wire adds the read models and the reactions.
func (a *app) wire(ctx context.Context, base *foundation.Foundation) (err error) {
	if a.stays, err = base.Project(ctx, projections.Stays()); err != nil {
		return err
	}
	if a.facilities, err = base.Project(ctx, projections.Facilities()); err != nil {
		return err
	}
	return base.React("identity", inFlight, reactions.Identity{Log: base.Log, Now: a.now}.Handlers()...)
}

// routes is the whole HTTP surface of the service.
func (a *app) routes(o httpapi.Options) *httpapi.API {
	api := httpapi.New(o)

	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /notices", Summary: "Notify a guest's stay", Action: "accommodation.notify_stay", Status: http.StatusCreated,
	}, httpapi.Now(a.notify), a.checkNotify)
	httpapi.Batch(api, httpapi.Route{
		Pattern: "POST /notices/batch", Summary: "Notify many stays, with a verdict for each", Action: "accommodation.notify_stay", Status: http.StatusCreated,
	}, httpapi.Batching{Member: "notice"}, a.notify, a.checkNotify)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /notices/{id}/departure", Summary: "The guest left", Action: "accommodation.record_departure",
	}, a.depart, a.checkDepart)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /notices/{id}/extension", Summary: "The guest stays longer or shorter", Action: "accommodation.extend_stay",
	}, a.extend, a.checkExtend)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /notices/{id}/room", Summary: "The guest changed rooms", Action: "accommodation.change_room",
	}, a.changeRoom)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /notices/{id}/correction", Summary: "The person was entered wrongly", Action: "accommodation.correct_stay",
	}, a.correct, a.checkCorrect)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /notices/{id}/cancellation", Summary: "The stay never took place", Action: "accommodation.cancel_stay",
	}, a.cancel)

	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /notices", Summary: "List stays, the latest arrival first", Action: "accommodation.list_stays", After: a.stays.WaitFor,
	}, a.list)
	httpapi.Query(api, httpapi.Route{Pattern: "GET /notices/{id}", Summary: "Read a stay and its guest", Action: "accommodation.read_stay"}, a.one)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /notices/{id}/history", Summary: "Everything that happened to a stay", Action: "accommodation.read_stay_history",
	}, a.history)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /notices/{id}/proof", Summary: "A receipt for the notice that verifies offline, with the public key of the log alone", Action: "accommodation.prove_stay",
	}, a.prove)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /statistics", Summary: "Count stays by day, facility, kind or nationality", Action: "accommodation.count_stays", After: a.stays.WaitFor,
	}, a.statistics)
	httpapi.Ask(api, httpapi.Route{
		Pattern: "POST /lookups", Summary: "Find where a person stays; each lookup is recorded", Action: "accommodation.look_up_person", After: a.stays.WaitFor,
	}, a.lookup)
	httpapi.Ask(api, httpapi.Route{
		Pattern: "POST /scan", Summary: "Read the QR code of a card, a machine-readable zone or a number; nothing is kept", Action: "accommodation.scan_document",
	}, a.scan)
	httpapi.Ask(api, httpapi.Route{
		Pattern: "POST /persons", Summary: "Resolve references to guests, for other services", Action: "accommodation.resolve_guests",
	}, a.persons)
	a.facilityRoutes(api)
	return api
}

func (a *app) facilityRoutes(api *httpapi.API) {
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /facilities", Summary: "Register a facility", Action: "accommodation.register_facility", Status: http.StatusCreated,
	}, a.registerFacility, a.checkFacility)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /facilities", Summary: "List facilities", Action: "accommodation.list_facilities", After: a.facilities.WaitFor,
	}, a.listFacilities)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /facilities/{id}/suspension", Summary: "Refuse the facility, by whatever it shows, for now", Action: "accommodation.suspend_facility",
	}, a.suspend)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /facilities/{id}/reinstatement", Summary: "Accept the facility again", Action: "accommodation.reinstate_facility",
	}, a.reinstate)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /facilities/{id}/keys", Summary: "Issue a key for the facility's software", Action: "accommodation.issue_key", Status: http.StatusCreated,
	}, a.issueKey, a.checkIssueKey)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /facilities/{id}/keys", Summary: "List a facility's keys, with their last use", Action: "accommodation.list_keys",
	}, a.listKeys)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /facilities/{id}/keys/{key}/rotation", Action: "accommodation.rotate_key", Status: http.StatusCreated,
		Summary: "Issue a key's successor; the old one goes on for a while",
	}, a.replaceKey, a.checkReplaceKey)
	httpapi.Command(api, httpapi.Route{
		Pattern: "DELETE /facilities/{id}/keys/{key}", Summary: "Revoke a key", Action: "accommodation.revoke_key",
	}, a.revokeKey)
}
