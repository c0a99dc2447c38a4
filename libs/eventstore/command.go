package eventstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/vault"
)

const (
	maxStream = 200      // bytes of a stream's name: it is a key of an index
	maxAppend = 32 << 20 // bytes of one append
)

// command is an append on its way: encoded once, by whoever asked, and answered by the writer.
type command struct {
	stream   string
	expected int
	facts    []events.Event
	as       events.Meta
	id       int64 // of the append; see rule 5
	types    []string
	data     [][]byte
	meta     []byte
	secrets  []vault.Row
	bytes    int

	position int64 // of the first fact
	at       time.Time
	err      error
}

// encode prepares a for the database. What cannot be stored is said by the command's err.
func (s *Store) encode(a Append) *command {
	c := &command{
		stream: a.Stream, expected: a.Expected, facts: a.Facts, as: a.Meta, secrets: a.Secrets,
		id: rand.Int64(), //nolint:gosec // tells appends apart; nothing is secret about it
	}
	if c.as.OccurredAt.IsZero() {
		c.as.OccurredAt = s.now()
	}
	if c.err = c.check(); c.err != nil {
		return c
	}
	if c.meta, c.err = json.Marshal(c.as); c.err != nil {
		c.err = fmt.Errorf("encode the meta: %w", c.err)
		return c
	}
	c.types, c.data = make([]string, len(a.Facts)), make([][]byte, len(a.Facts))
	for i, fact := range a.Facts {
		if c.types[i], c.data[i], c.err = s.encodeFact(fact); c.err != nil {
			return c
		}
		c.bytes += len(c.data[i]) + len(c.meta) + len(c.stream)
	}
	for _, row := range a.Secrets {
		c.bytes += len(row.Ciphertext) + len(row.DocumentIndex) + len(row.NameIndex)
	}
	if c.bytes > maxAppend {
		c.err = fmt.Errorf("%w: %d bytes are more than one append takes", ErrUnstorable, c.bytes)
	}
	return c
}

func (s *Store) encodeFact(fact events.Event) (name string, data []byte, err error) {
	name = fact.EventName()
	if !s.catalog.Knows(name) {
		return "", nil, fmt.Errorf("fact %q is not in the catalog: nobody could read it", name)
	}
	data, err = json.Marshal(fact)
	if err != nil {
		return "", nil, fmt.Errorf("encode fact %s: %w", name, err)
	}
	return name, data, nil
}

func (c *command) check() error {
	switch {
	case c.stream == "", len(c.stream) > maxStream, !utf8.ValidString(c.stream), strings.ContainsRune(c.stream, 0):
		return errors.New("a stream's name is 1 to 200 bytes of text")
	case c.expected < 0:
		return errors.New("a stream has no negative version")
	case len(c.facts) == 0:
		return errors.New("nothing to append")
	}
	return nil
}

func (c *command) recorded() []events.Recorded {
	list := make([]events.Recorded, len(c.facts))
	for i, fact := range c.facts {
		list[i] = events.Recorded{
			Position: c.position + int64(i), Stream: c.stream, Version: c.expected + 1 + i,
			Meta: c.as, RecordedAt: c.at, Event: fact,
		}
	}
	return list
}

func (c *command) result() Result {
	if c.err != nil {
		return Result{Err: fmt.Errorf("append to %s: %w", c.stream, c.err)}
	}
	return Result{Recorded: c.recorded()}
}

// rows are the facts as they now lie in the table.
func (c *command) rows() []Stored {
	list := make([]Stored, len(c.facts))
	for i := range c.facts {
		list[i] = Stored{
			Position: c.position + int64(i), Stream: c.stream, Version: c.expected + 1 + i, Name: c.types[i],
			Data: c.data[i], Meta: c.as, RecordedAt: c.at,
		}
	}
	return list
}
