package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// entry is one line of the ledger: a reference or a month, and nothing about the person.
type entry struct {
	Ref    Ref       `json:"ref,omitempty"`
	Month  string    `json:"month,omitempty"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Reason string    `json:"reason"`
}

func (e entry) check() error {
	var subject error
	switch {
	case e.Month != "" && e.Ref == "":
		_, subject = parseMonth(e.Month)
	default:
		_, subject = e.Ref.month()
	}
	if e.At.IsZero() {
		subject = errors.Join(subject, errors.New("without a time"))
	}
	return errors.Join(subject, checkID("actor", e.Actor), checkCode("reason", e.Reason))
}

// ledger is the file of erasures: JSON lines, only ever appended to, by any number of processes.
type ledger struct{ path string }

// append returns when the entries are on disk.
func (l ledger) append(entries []entry) error {
	var lines []byte
	for _, e := range entries {
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("write erasure ledger: %w", err)
		}
		lines = append(append(lines, line...), '\n')
	}
	_, err := os.Stat(l.path)
	created := errors.Is(err, os.ErrNotExist)
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_RDWR|os.O_APPEND, secretMode)
	if err != nil {
		return fmt.Errorf("open erasure ledger: %w", err)
	}
	err = appendTo(f, lines)
	if created {
		err = errors.Join(err, syncFolder(l.path))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write erasure ledger: %w", err)
	}
	return nil
}

// appendTo writes at the end while no other process does. A line that a crash has cut off gets its end first:
// what follows must not run into it and be lost with it.
func appendTo(f *os.File, lines []byte) error {
	if err := flock(f); err != nil {
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
