package eventstore

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore/internal/batch"
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

	// Written is Meta in JSON, as it is stored; nil if this process has read the fact and not appended it.
	Written []byte
	// Session is the number of the session with the database in which this process has appended the fact; 0 if it has read it. A
	// standby that takes over between two sessions may lack the last facts of the first, and have others in their place.
	Session int64

	meta    []byte // what Meta has yet to be decoded from; nil if Meta is complete
	decoded *batch.Decoded
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

// factOverhead is about what a fact takes in memory beside its texts.
const factOverhead = 350

// weight is about how many bytes a fact takes in memory after somebody has decoded it: then about as much again as its JSON.
func (r Stored) weight() int {
	m := r.Meta
	return factOverhead + len(r.Stream) + len(r.Name) + 2*len(r.Data) + len(r.meta) + len(r.Written) +
		len(m.Cause) + len(m.Correlation) + len(m.Actor) + len(m.Trace) + len(m.Fingerprint)
}

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
	fact, err := r.decoded.Event(s.catalog, r.Name, r.Data)
	if err != nil {
		return events.Recorded{}, err //nolint:wrapcheck // the caller says where
	}
	return events.Recorded{
		Position: r.Position, Stream: r.Stream, Version: r.Version, Meta: r.Meta, RecordedAt: r.RecordedAt.UTC(), Event: fact,
	}, nil
}
