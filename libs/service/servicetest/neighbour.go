package servicetest

import (
	"context"
	"testing"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/testkit"
)

// Neighbour is another service as this one hears it: a log of its own and the relay that brings its facts to Kafka.
// What it would say is up to the test; see [Say].
func (s *Service) Neighbour(t testing.TB, name string, facts []events.Event) *foundation.Foundation {
	t.Helper()
	config := s.Config
	config.Data, config.DatabaseURL = t.TempDir(), testkit.PostgresURL(t)
	deps, closeDeps, err := service.NewDeps(t.Context(), "test", config)
	if err != nil {
		t.Fatal(err)
	}
	deps.Now = s.Clock.Now
	base, err := foundation.Open(t.Context(), deps.For(name), foundation.Options{
		Service: name, Own: events.NewCatalog(facts), Others: events.NewCatalog(),
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, name, base.Runners())
	t.Cleanup(func() {
		stop()
		base.Close()
		_ = closeDeps(context.Background()) // spans that nobody takes
	})
	return base
}

// Say adds facts to a stream of a neighbour, whatever it says already.
func Say(t testing.TB, neighbour *foundation.Foundation, stream string, facts ...events.Event) {
	t.Helper()
	history, err := neighbour.Log.Load(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	_, err = neighbour.Log.Append(t.Context(), eventstore.Append{Stream: stream, Expected: len(history), Facts: facts})
	if err != nil {
		t.Fatal(err)
	}
}
