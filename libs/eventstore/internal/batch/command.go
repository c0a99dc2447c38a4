// Package batch is what is stored in one transaction: commands, encoded and answered.
package batch

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/plainjson"
	"github.com/songan-vn/songan/libs/vault"
)

const (
	maxStream = 200      // bytes of a stream's name: it is a key of an index
	maxAppend = 32 << 20 // bytes of one append
)

// Surrogates of UTF-16, which JSON escapes in pairs.
const (
	firstHigh = 0xd800
	firstLow  = 0xdc00
	lastLow   = 0xdfff
)

// What may become of a command besides being stored.
var (
	// ErrConflict says that the stream is not at the expected version: load it, and decide again.
	ErrConflict = errors.New("the stream is at another version")
	// ErrKeyUsed says that the cause has changed another stream before, and may change only one.
	ErrKeyUsed = errors.New("the cause has changed another stream before")
	// ErrUnstorable says that the database cannot store these facts, ever: a NUL in a text, a vault reference
	// that is taken. It never says what they hold.
	ErrUnstorable = errors.New("the facts cannot be stored")

	errPanicked = errors.New("decode the fact: the decoder panicked before")
)

// Command is an append on its way: encoded once, by whoever asked, and answered by the writer.
type Command struct {
	Stream   string
	Expected int
	Facts    []events.Event
	// As is the meta of all facts.
	As events.Meta
	// Written is As in JSON, as it is stored.
	Written []byte
	// Types and Data are the facts as they are stored, Bytes about what they take.
	Types []string
	Data  [][]byte
	Bytes int
	// Decoded are the facts once more, as whoever reads them from the log sees them.
	Decoded []Decoded
	// Session with the database in which the stream was seen at version Expected, and then that in which the command was
	// stored; 0 if nobody says where Expected is from.
	Session int64

	// Position is that of the first fact, At when they were recorded; Err says why they were not.
	Position int64
	At       time.Time
	Err      error

	id      int64 // random, of the append
	key     string
	secrets []vault.Row
}

// Decoded is what several readers make of one fact in memory: it is decoded once, from the very JSON that is stored, so that
// a fact is the same to whoever had it from memory and to whoever reads it from the database.
type Decoded struct {
	once  sync.Once
	event events.Event
	err   error
}

// Event decodes the fact, unless somebody did. A decoder that panics does so to the first who asks; the others get an error.
func (d *Decoded) Event(catalog events.Catalog, name string, data []byte) (events.Event, error) {
	d.once.Do(func() {
		d.err = errPanicked
		d.event, d.err = catalog.Decode(name, data)
	})
	return d.event, d.err
}

// Draft is what a command is made of.
type Draft struct {
	Stream   string
	Expected int
	Facts    []events.Event
	Meta     events.Meta
	Secrets  []vault.Row
	OneCause bool
	Session  int64
}

// Form is how facts are written: those that the catalog knows, as the encoder does.
type Form struct {
	Catalog events.Catalog
	JSON    *plainjson.Encoder
}

// New prepares a draft for the database. What cannot be stored is said by the command's Err.
func (f Form) New(a Draft) *Command {
	c := &Command{
		Stream: a.Stream, Expected: a.Expected, Facts: a.Facts, As: a.Meta, secrets: a.Secrets, Session: a.Session,
		id: rand.Int64(), //nolint:gosec // tells appends apart; nothing is secret about it
	}
	if a.OneCause {
		c.key = a.Meta.Cause
	}
	if c.Err = c.check(); c.Err != nil {
		return c
	}
	if c.Written, c.Err = encodeMeta(c.As); c.Err != nil {
		return c
	}
	if !storable(c.Written) {
		c.Err = fmt.Errorf("%w: a text of the meta is none", ErrUnstorable)
		return c
	}
	c.Types, c.Data, c.Decoded = make([]string, len(a.Facts)), make([][]byte, len(a.Facts)), make([]Decoded, len(a.Facts))
	for i, fact := range a.Facts {
		if c.Types[i], c.Data[i], c.Err = f.encode(fact); c.Err != nil {
			return c
		}
		c.Bytes += len(c.Data[i]) + len(c.Written) + len(c.Stream)
	}
	for _, row := range a.Secrets {
		c.Bytes += len(row.Ciphertext) + len(row.DocumentIndex) + len(row.NameIndex)
	}
	if c.Bytes > maxAppend {
		c.Err = fmt.Errorf("%w: %d bytes are more than one append takes", ErrUnstorable, c.Bytes)
	}
	return c
}

func (f Form) encode(fact events.Event) (name string, data []byte, err error) {
	name = fact.EventName()
	if !f.Catalog.Knows(name) {
		return "", nil, fmt.Errorf("fact %q is not in the catalog: nobody could read it", name)
	}
	data, err = f.JSON.Marshal(fact)
	if err != nil {
		return "", nil, fmt.Errorf("encode fact %s: %w", name, err)
	}
	if !storable(data) {
		return "", nil, fmt.Errorf("%w: a text of %s is none", ErrUnstorable, name)
	}
	return name, data, nil
}

// storable is false for JSON that holds a character which no text of PostgreSQL can hold: a NUL, or half of a surrogate
// pair. The log would take it, as it stands there in escapes, but no table that is made from it.
func storable(data []byte) bool {
	if !bytes.Contains(data, []byte(`\u`)) {
		return true
	}
	for half := false; len(data) > 0; {
		escaped, size := rune(-1), 1
		if data[0] == '\\' && len(data) > 1 {
			size = 2
			if code, err := strconv.ParseUint(string(data[2:min(len(data), 6)]), 16, 16); data[1] == 'u' && err == nil {
				escaped, size = rune(code), 6
			}
		}
		low := escaped >= firstLow && escaped <= lastLow
		if escaped == 0 || half != low {
			return false
		}
		half = escaped >= firstHigh && escaped < firstLow
		data = data[size:]
	}
	return true
}

// outdated tells whether the command follows from facts that were read in an earlier session: a server that took over may hold
// others in their place, under the same versions.
func (c *Command) outdated(session int64) bool {
	return c.Expected > 0 && c.Session != 0 && c.Session != session
}

func (c *Command) check() error {
	switch {
	case c.Stream == "", len(c.Stream) > maxStream, !utf8.ValidString(c.Stream), strings.ContainsRune(c.Stream, 0):
		return errors.New("a stream's name is 1 to 200 bytes of text")
	case c.Expected < 0:
		return errors.New("a stream has no negative version")
	case len(c.Facts) == 0:
		return errors.New("nothing to append")
	}
	return nil
}
