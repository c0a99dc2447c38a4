// Package ledger is the file in which a vault writes down what was erased, so that it can be erased again after a
// restore of the database.
//
//  1. It is JSON lines, only ever appended to, by any number of processes; an entry that was appended is on disk.
//  2. An entry names a reference or a month, when, by whom and why: codes and ids. It says nothing about a person.
//  3. Reading it stops at nothing: a damaged line is counted and passed over.
package ledger

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/songan-vn/songan/libs/vault/internal/keyring"
)

// Entry is one line of the ledger.
type Entry struct {
	// Ref is the reference that was erased; "" when it was a Month.
	Ref string `json:"ref,omitempty"`
	// Month is the month that was destroyed, "2026-11".
	Month  string    `json:"month,omitempty"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Reason string    `json:"reason"`
}

// fileMode keeps the ledger to its owner: it says when somebody asked to be forgotten.
const fileMode = 0o600

// Append writes entries at the end of the file and returns when they are on disk.
func Append(path string, entries []Entry) error {
	var lines []byte
	for _, e := range entries {
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("write erasure ledger: %w", err)
		}
		lines = append(append(lines, line...), '\n')
	}
	_, err := os.Stat(path)
	created := errors.Is(err, os.ErrNotExist)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, fileMode)
	if err != nil {
		return fmt.Errorf("open erasure ledger: %w", err)
	}
	err = appendTo(f, lines)
	if created {
		err = errors.Join(err, keyring.SyncFolder(path))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write erasure ledger: %w", err)
	}
	return nil
}

// appendTo writes at the end while no other process does. A line that a crash has cut off gets its end first:
// what follows must not run into it and be lost with it.
func appendTo(f *os.File, lines []byte) error {
	if err := keyring.Flock(f); err != nil {
		return err
	}
	about, err := f.Stat()
	if err != nil {
		return err
	}
	last := []byte{'\n'}
	if size := about.Size(); size > 0 {
		if _, err := f.ReadAt(last, size-1); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	if last[0] != '\n' {
		lines = append([]byte{'\n'}, lines...)
	}
	if _, err := f.Write(lines); err != nil {
		return err
	}
	return f.Sync()
}

const (
	// longestLine bounds a line; ours are below 500 bytes. A longer one is damaged.
	longestLine = 4096
	// mostDamaged is how many damaged lines are remembered by their numbers.
	mostDamaged = 10
)

// Damage counts the lines that could not be read.
type Damage struct {
	Lines int
	// First are the numbers of the first of them.
	First []int
}

func (d *Damage) add(line int) {
	if d.Lines++; d.Lines <= mostDamaged {
		d.First = append(d.First, line)
	}
}

// Read hands over every entry that is whole and that check accepts. It ends early only when handle errs or the file
// cannot be read; the error names the line.
func Read(file io.Reader, check, handle func(Entry) error) (damage Damage, err error) {
	lines := bufio.NewReaderSize(file, longestLine)
	for number := 1; ; number++ {
		text, whole, end := next(lines)
		if end != nil && !errors.Is(end, io.EOF) {
			return damage, fmt.Errorf("after line %d: %w", number-1, end)
		}
		var e Entry
		switch {
		case whole && len(text) == 0:
		case !whole || json.Unmarshal(text, &e) != nil || check(e) != nil:
			damage.add(number)
		default:
			if err := handle(e); err != nil {
				return damage, fmt.Errorf("line %d: %w", number, err)
			}
		}
		if end != nil {
			return damage, nil
		}
	}
}

// next reads a line, to the end also when only its beginning fits and it is not whole. The last one comes with io.EOF.
func next(lines *bufio.Reader) (text []byte, whole bool, err error) {
	text, err = lines.ReadSlice('\n')
	whole = !errors.Is(err, bufio.ErrBufferFull)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = lines.ReadSlice('\n')
	}
	return bytes.TrimSpace(text), whole, err
}
