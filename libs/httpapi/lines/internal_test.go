package lines

import (
	"bytes"
	"os"
	"testing"
)

// A disk that is full is no reason to lose what was said: who writes waits, or is told that there is no place.
func TestASpoolWhoseDiskIsFullKeepsWhatItHas(t *testing.T) {
	t.Parallel()
	budget := NewBudget(1 << 20)
	s := NewSpool(1<<20, budget)
	t.Cleanup(s.Discard)
	line := bytes.Repeat([]byte("x"), spoolMemory)
	for range 2 { // one stands in memory, one in the file
		if put, err := s.TryWrite(line); !put || err != nil {
			t.Fatal(put, err)
		}
	}
	disk := s.file
	t.Cleanup(func() { _ = disk.Close() })
	readOnly, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	s.file = readOnly // nothing can be written there
	if put, err := s.TryWrite(line); put || err != nil || budget.Used() != int64(len(line)) {
		t.Error(put, err, budget.Used())
	}
	s.file = disk
	_ = readOnly.Close()
	if put, err := s.TryWrite(line); put || err != nil {
		t.Error("what comes later could not be read", put, err)
	}
	var got int
	written := make(chan error, 1)
	go func() {
		_, err := s.Write(line) // when there is memory again
		s.Close()
		written <- err
	}()
	err = s.Drain(func(b []byte) error { got += bytes.Count(b, []byte("x")); return nil }, func() error { return nil })
	if err != nil || <-written != nil || got != 3*len(line) || budget.Used() != 0 {
		t.Error(err, got, budget.Used())
	}
}
