// Package batch is what goes to the database in one round trip: commands, encoded and answered.
package batch

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

// What may become of a command besides being stored.
var (
	// ErrConflict says that the stream is not at the expected version: load it, and decide again.
	ErrConflict = errors.New("the stream is at another version")
	// ErrUnstorable says that the database cannot store these facts, ever: a NUL in a text, a vault reference
	// that is taken. It never says what they hold.
	ErrUnstorable = errors.New("the facts cannot be stored")
)

// Command is an append on its way: encoded once, by whoever asked, and answered by the writer.
type Command struct {
	Stream   string
	Expected int
	Facts    []events.Event
	// As is the meta of all facts.
	As events.Meta
	// Types and Data are the facts as they are stored, Bytes about what they take.
	Types []string
	Data  [][]byte
	Bytes int

	// Position is that of the first fact, At when they were recorded; Err says why they were not.
	Position int64
	At       time.Time
	Err      error

	id      int64 // random, of the append
	meta    []byte
	secrets []vault.Row
}

// Draft is what a command is made of.
type Draft struct {
	Stream   string
	Expected int
	Facts    []events.Event
	Meta     events.Meta
	Secrets  []vault.Row
}

// New prepares a draft for the database. What cannot be stored is said by the command's Err.
func New(catalog events.Catalog, a Draft) *Command {
	c := &Command{
		Stream: a.Stream, Expected: a.Expected, Facts: a.Facts, As: a.Meta, secrets: a.Secrets,
		id: rand.Int64(), //nolint:gosec // tells appends apart; nothing is secret about it
	}
	if c.Err = c.check(); c.Err != nil {
		return c
	}
	if c.meta, c.Err = encodeMeta(c.As); c.Err != nil {
		return c
	}
	c.Types, c.Data = make([]string, len(a.Facts)), make([][]byte, len(a.Facts))
	for i, fact := range a.Facts {
		if c.Types[i], c.Data[i], c.Err = encodeFact(catalog, fact); c.Err != nil {
			return c
		}
		c.Bytes += len(c.Data[i]) + len(c.meta) + len(c.Stream)
	}
	for _, row := range a.Secrets {
		c.Bytes += len(row.Ciphertext) + len(row.DocumentIndex) + len(row.NameIndex)
	}
	if c.Bytes > maxAppend {
		c.Err = fmt.Errorf("%w: %d bytes are more than one append takes", ErrUnstorable, c.Bytes)
	}
	return c
}

func encodeFact(catalog events.Catalog, fact events.Event) (name string, data []byte, err error) {
	name = fact.EventName()
	if !catalog.Knows(name) {
		return "", nil, fmt.Errorf("fact %q is not in the catalog: nobody could read it", name)
	}
	data, err = json.Marshal(fact)
	if err != nil {
		return "", nil, fmt.Errorf("encode fact %s: %w", name, err)
	}
	return name, data, nil
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
