package eventstore

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/songan-vn/songan/events"
)

// Stored is a fact as it lies in the log, for whoever hands it on without looking into it. Its Data is JSON.
type Stored struct {
	Position   int64
	Stream     string
	Version    int
	Name       string
	Data       []byte
	Meta       events.Meta
	RecordedAt time.Time

	meta   []byte  // what Meta has yet to be decoded from; nil if Meta is complete
	shared *shared // nil if nobody else has this one
}

// shared is what several followers make of one fact in memory: it is decoded once, from the very JSON that is stored,
// so that a fact is the same to a projection that follows and to one that is built again from the database.
type shared struct {
	once  sync.Once
	event events.Event
	err   error
}

// Catalog is that of the facts in the log.
func (s *Store) Catalog() events.Catalog { return s.catalog }

// Decode looks into a fact that [Store.FollowStored] handed out.
func (s *Store) Decode(r Stored) (events.Recorded, error) {
	recorded, err := s.decode(r)
	if err != nil {
		return events.Recorded{}, fmt.Errorf("position %d: %w", r.Position, err)
	}
	return recorded, nil
}

func (r Stored) size() int { return len(r.Data) + len(r.meta) }

// complete decodes the meta if it was not yet.
func (r *Stored) complete() error {
	if r.meta == nil {
		return nil
	}
	if meta, plain := plainMeta(r.meta); plain {
		r.Meta = meta
	} else if err := json.Unmarshal(r.meta, &r.Meta); err != nil {
		return fmt.Errorf("decode the meta: %w", err)
	}
	r.meta = nil
	return nil
}

// decode says what a fact means.
func (s *Store) decode(r Stored) (events.Recorded, error) {
	if err := r.complete(); err != nil {
		return events.Recorded{}, err
	}
	fact, err := s.event(r)
	if err != nil {
		return events.Recorded{}, err
	}
	return events.Recorded{
		Position: r.Position, Stream: r.Stream, Version: r.Version, Meta: r.Meta, RecordedAt: r.RecordedAt.UTC(), Event: fact,
	}, nil
}

func (s *Store) event(r Stored) (events.Event, error) {
	if r.shared == nil {
		return s.catalog.Decode(r.Name, r.Data) //nolint:wrapcheck // the caller says where
	}
	r.shared.once.Do(func() { r.shared.event, r.shared.err = s.catalog.Decode(r.Name, r.Data) })
	return r.shared.event, r.shared.err
}
