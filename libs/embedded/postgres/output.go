package postgres

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// output is where a server's log goes: to a file, which the server writes by
// itself and so even after our death, or to a writer of the caller's.
type output struct {
	file  *os.File
	start int64 // where in the file this start's part begins
	copy  *headWriter
}

// output opens the log; to may be nil.
func (l *layout) output(to io.Writer) (*output, error) {
	if to != nil {
		return &output{copy: &headWriter{to: to}}, nil
	}
	file, err := os.OpenFile(filepath.Join(l.dir, logName), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of PostgreSQL: %w", err)
	}
	start, err := file.Seek(0, io.SeekEnd)
	if err == nil && start > maxLog {
		start, err = 0, file.Truncate(0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the log of PostgreSQL: %w", err), file.Close())
	}
	return &output{file: file, start: start}, nil
}

func (o *output) writer() io.Writer {
	if o.file != nil {
		return o.file
	}
	return o.copy
}

// head is the beginning of what the server has said since this start.
func (o *output) head() string {
	if o.file == nil {
		return o.copy.String()
	}
	text := make([]byte, keptHead)
	n, _ := o.file.ReadAt(text, o.start) // short at the end of the file
	return string(text[:n])
}

// close is for our side alone: the server goes on writing.
func (o *output) close() error {
	if o.file == nil {
		o.copy.stop()
		return nil
	}
	if err := o.file.Close(); err != nil {
		return fmt.Errorf("close the log of PostgreSQL: %w", err)
	}
	return nil
}

// headWriter passes everything on, and keeps the beginning until stop.
type headWriter struct {
	mu      sync.Mutex
	to      io.Writer
	head    bytes.Buffer
	stopped bool
}

// Write passes text on.
func (w *headWriter) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.stopped && w.head.Len() < keptHead {
		w.head.Write(text)
	}
	return w.to.Write(text)
}

// String is what has been kept.
func (w *headWriter) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.head.String()
}

func (w *headWriter) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.head = bytes.Buffer{}
}
