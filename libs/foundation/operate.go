package foundation

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/reaction/quarantine"
	"github.com/songan-vn/songan/libs/vn/person"
)

// Operate adds the operators' routes to a service's API: the quarantine, and the rebuilding of read models.
func (f *Foundation) Operate(api *httpapi.API) {
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /quarantine", Summary: "Facts that could not be handled", Action: "operations.read_quarantine",
	}, f.quarantined)
	httpapi.Ask(api, httpapi.Route{
		Pattern: "POST /quarantine/{id}/release", Summary: "Handle the fact again, and those of its stream that wait behind it", Action: "operations.release_fact",
	}, f.release)
	httpapi.Ask(api, httpapi.Route{
		Pattern: "POST /quarantine/{id}/discard", Summary: "Give the fact up, with a reason", Action: "operations.discard_fact",
	}, f.discard)
	httpapi.Ask(api, httpapi.Route{
		Pattern: "POST /projections/{name}/rebuild", Summary: "Compute a read model again from the first fact", Action: "operations.rebuild_projection",
		Status: http.StatusOK, Timeout: rebuildTimeout,
	}, f.rebuild)
}

// rebuildTimeout is how long an operator may wait for a rebuild; after that it is given up and everything is as before.
const rebuildTimeout = time.Hour

// Quarantined is a fact that waits for an operator. What it says is left out: its service can show it.
type Quarantined struct {
	ID            string    `json:"id"`
	Consumer      string    `json:"consumer"`
	Fact          string    `json:"fact"`
	Type          string    `json:"type"`
	Stream        string    `json:"stream"`
	Place         string    `json:"place" doc:"topic/partition@offset"`
	ErrorCode     string    `json:"error_code"`
	ErrorText     string    `json:"error_text"`
	Attempts      int       `json:"attempts"`
	QuarantinedAt time.Time `json:"quarantined_at"`
	ReleasedAt    time.Time `json:"released_at,omitzero"`
	DiscardedAt   time.Time `json:"discarded_at,omitzero"`
	Actor         string    `json:"actor,omitzero"`
	Reason        string    `json:"reason,omitzero"`
}

// ListQuarantine narrows the list.
type ListQuarantine struct {
	httpapi.Paging[int64]

	Consumer string `query:"consumer" maxLength:"100"`
	Closed   bool   `query:"closed" doc:"those that were released or discarded, instead of those that wait"`
}

func (f *Foundation) quarantined(ctx context.Context, c httpapi.Call[ListQuarantine]) (httpapi.Page[Quarantined], error) {
	filter := quarantine.Filter{Consumer: c.In.Consumer, Closed: c.In.Closed, Limit: c.In.More()}
	if c.In.Cursor.At != nil {
		filter.After = *c.In.Cursor.At
	}
	items, err := f.quarantine.List(ctx, filter)
	if err != nil {
		return httpapi.Page[Quarantined]{}, err
	}
	return httpapi.PageOf(c.In.Paging, items, viewQuarantined, func(i quarantine.Item) int64 { return i.ID }), nil
}

func viewQuarantined(i quarantine.Item) Quarantined {
	return Quarantined{
		ID: strconv.FormatInt(i.ID, 10), Consumer: i.Consumer, Fact: i.Fact, Type: i.Type, Stream: i.Stream, Place: i.Place.String(),
		ErrorCode: i.ErrorCode, ErrorText: i.ErrorText, Attempts: i.Attempts, QuarantinedAt: i.QuarantinedAt,
		ReleasedAt: i.ReleasedAt, DiscardedAt: i.DiscardedAt, Actor: i.Actor, Reason: i.Reason,
	}
}

// Why is an operator's reason. It is kept with the item, outside the vault: so it is a code, and no text about anybody.
type Why struct {
	Reason string `json:"reason" pattern:"^[a-z][a-z0-9_]{1,63}$" doc:"a code, such as vault_restored" example:"vault_restored"`
}

// Validate keeps people's names and numbers out of a code as well.
func (w Why) Validate(f *problem.Faults) { person.CheckNobody(f, "/reason", w.Reason) }

// Released says what became of a release.
type Released struct {
	Handled int `json:"handled"`
	Left    int `json:"left" doc:"of the same stream, still waiting"`
}

func (f *Foundation) release(ctx context.Context, c httpapi.Call[Why]) (Released, error) {
	item, err := f.item(ctx, c.Path("id"))
	if err != nil {
		return Released{}, err
	}
	for _, r := range f.reactors {
		if r.Name() == item.Consumer {
			done, err := r.Release(ctx, item.ID, quarantine.Decision{Actor: c.Who.Actor(), Reason: c.In.Reason})
			return Released{Handled: done.Handled, Left: done.Left}, err
		}
	}
	return Released{}, errNoItem()
}

func (f *Foundation) discard(ctx context.Context, c httpapi.Call[Why]) (Released, error) {
	item, err := f.item(ctx, c.Path("id"))
	if err != nil {
		return Released{}, err
	}
	return Released{}, f.quarantine.Discard(ctx, item.ID, quarantine.Decision{Actor: c.Who.Actor(), Reason: c.In.Reason})
}

func (f *Foundation) item(ctx context.Context, id string) (quarantine.Item, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return quarantine.Item{}, errNoItem()
	}
	return f.quarantine.Item(ctx, n)
}

func errNoItem() error {
	return problem.New(problem.NotFound, "quarantine_item_unknown", "there is no such item in quarantine", "không có mục này trong hàng chờ xử lý")
}

// Rebuilt says what a rebuild did.
type Rebuilt struct {
	Projection string `json:"projection"`
	Facts      int64  `json:"facts"`
	TookMillis int64  `json:"took_ms"`
}

func (f *Foundation) rebuild(ctx context.Context, c httpapi.Call[struct{}]) (Rebuilt, error) {
	model, known := f.models.Model(c.Path("name"))
	if !known {
		return Rebuilt{}, problem.New(problem.NotFound, "projection_unknown", "there is no such read model", "không có bảng tra cứu này")
	}
	done, err := model.Rebuild(ctx)
	if err != nil {
		return Rebuilt{}, err
	}
	return Rebuilt{Projection: model.Name(), Facts: done.Facts, TookMillis: done.Took.Milliseconds()}, nil
}
