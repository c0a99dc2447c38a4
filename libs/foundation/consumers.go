package foundation

import (
	"context"
	"fmt"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/reaction"
)

// Reading says what a consumer reads that reads something else than the facts of Options.Others.
type Reading struct {
	// Topics are read in full; see [Foundation.Topic]. The service's own facts are read from its log: kafkabus.OwnLog.
	Topics []string
	// Catalog knows what is handled.
	Catalog events.Catalog
	// InFlight is the most messages of a partition that are handled at the same time; 64 if zero.
	InFlight int
	// Foreign says how to read topics that others write, such as a bank; nil for those of our services.
	Foreign *reaction.Foreign
}

// ReactTo adds a consumer of certain topics: those of a bank, or of the service's own log. It is called before
// [Foundation.Runners].
func (f *Foundation) ReactTo(name string, from Reading, handlers ...reaction.Handler) error {
	r, err := reaction.New(f.options.Service+"."+name, reaction.Deps{
		Topics: from.Topics, Catalog: from.Catalog, InFlight: from.InFlight, Foreign: from.Foreign,
		Pool: f.Pool, Own: f.Log, Bus: f.Bus, Now: f.deps.Now, Down: breaker.IsDown,
		Log: f.deps.Log, Registerer: f.metrics, Tracer: f.deps.Tracer, Pace: f.Pace,
	}, handlers...)
	if err != nil {
		return fmt.Errorf("react as %s: %w", name, err)
	}
	f.reactors = append(f.reactors, r)
	return nil
}

// ProjectWith adds a read model of the service's own facts together with those of others; all of them are in
// Options.Others. How the facts of two services follow one another is not defined: the model has to come out the same.
// In a rush the service's own facts stand still and those of others do not; see package pace. It is called before
// [Foundation.Runners].
func (f *Foundation) ProjectWith(ctx context.Context, p *projection.Projection, services ...string) (*projection.Model, error) {
	feeds := []projection.Feed{projection.Patient(projection.FromLog(f.Log), f.Pace)}
	for _, service := range services {
		feeds = append(feeds, f.fromOthers(p, service))
	}
	return f.models.Add(ctx, p, feeds...)
}

// fromOthers feeds a read model from the topic of another service.
func (f *Foundation) fromOthers(p *projection.Projection, service string) projection.Feed {
	topic, wanted := f.Topic(service), p.Wants(f.options.Others)
	return projection.FromTopic(topic, kafkabus.NewSource(f.Bus, topic, f.options.Others, kafkabus.SourceOptions{
		Consumer: f.options.Service + "." + p.Name(), Wanted: func(typ string) bool { return wanted[typ] }, Log: f.deps.Log, Registerer: f.metrics,
	}))
}
