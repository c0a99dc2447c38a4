package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/services/songan/internal/onemachine"
)

// wire is a log of its own with a relay to a topic of its own, and a consumer at the other end.
type wire struct {
	pool   *pgxpool.Pool
	log    *eventstore.Store
	bus    kafkabus.Config
	topic  string
	relay  *kafkabus.Relay
	source *kafkabus.Source
}

func (l *system) wire(ctx context.Context, database string) (_ *wire, err error) {
	w := &wire{topic: fmt.Sprintf("%s_%d", database, time.Now().UnixNano())}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	url, err := l.Fresh(ctx, database)
	if err != nil {
		return nil, err
	}
	if w.pool, err = pg.Open(ctx, url, pg.Options{}); err != nil {
		return nil, err
	}
	if w.log, err = open(ctx, w.pool); err != nil {
		return nil, err
	}
	if err := kafkabus.Migrate(ctx, w.pool); err != nil {
		return nil, err
	}
	settings, err := onemachine.Kafka(filepath.Join(l.Dir, "data"), l.Demo)
	if err != nil {
		return nil, err
	}
	if w.bus, err = kafkabus.Connect(settings); err != nil {
		return nil, err
	}
	if err := kafkabus.EnsureTopic(ctx, w.bus, w.topic, topicPartitions, 1); err != nil {
		return nil, fmt.Errorf("make a topic for the relay: %w", err)
	}
	w.relay = kafkabus.NewRelay(w.log, w.pool, w.bus, kafkabus.RelayOptions{Topic: w.topic, Partitions: topicPartitions})
	w.source = kafkabus.NewSource(w.bus, w.topic, catalog(), kafkabus.SourceOptions{})
	return w, nil
}

// open makes the tables of a log and opens it.
func open(ctx context.Context, pool *pgxpool.Pool) (*eventstore.Store, error) {
	if err := errors.Join(vault.Migrate(ctx, pool), eventstore.Migrate(ctx, pool)); err != nil {
		return nil, err
	}
	return eventstore.Open(ctx, pool, eventstore.Options{Catalog: catalog()})
}

// fill appends n facts of real size, each to a stream of its own.
func (w *wire) fill(ctx context.Context, n int) error {
	const chunk = 5_000
	var fact accommodation.StayNotified
	if err := json.Unmarshal([]byte(sampleData), &fact); err != nil {
		return fmt.Errorf("read the sample: %w", err)
	}
	for done := 0; done < n; done += chunk {
		appends := make([]eventstore.Append, 0, chunk)
		for i := range min(chunk, n-done) {
			appends = append(appends, eventstore.Append{
				Stream: fmt.Sprintf("notice-%d", done+i), Facts: []events.Event{fact},
			})
		}
		results, err := w.log.AppendAll(ctx, appends)
		if err != nil {
			return err
		}
		for _, r := range results {
			if r.Err != nil {
				return r.Err
			}
		}
	}
	return nil
}

func (w *wire) close() {
	if w.log != nil {
		w.log.Close()
	}
	if w.pool != nil {
		w.pool.Close()
	}
	w.bus.Close()
}
