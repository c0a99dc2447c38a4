package lines

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

const (
	spoolMemory = 256 << 10 // kept in memory before a file is used
	spoolChunk  = 64 << 10  // read back from the file at once
)

// Spool is a pipe that is as long as a file: Write does not wait for the receiver unless the file is full.
type Spool struct {
	limit  int64
	budget *Budget

	mu     sync.Mutex
	moved  sync.Cond // something was written, taken, or the spool was closed
	memory []byte
	file   *os.File
	// What stands in the file: from read to written. It is newer than what stands in memory.
	read, written int64
	lock, unlock  cipher.Stream
	noFile        bool
	closed        bool
	broken        error
}

// NewSpool returns a spool whose file takes at most limit bytes of the disk, out of a budget (nil for none).
func NewSpool(limit int64, budget *Budget) *Spool {
	s := &Spool{limit: limit, budget: budget}
	s.moved.L = &s.mu
	return s
}

// Write adds p, in memory if nothing newer stands in the file. It waits for the receiver while there is no place.
func (s *Spool) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if err := s.ended(); err != nil {
			return 0, err
		}
		if s.put(p) {
			return len(p), nil
		}
		s.moved.Wait()
	}
}

// TryWrite is [Spool.Write] for who has no receiver yet: false when there is no place, and p was not added.
func (s *Spool) TryWrite(p []byte) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ended(); err != nil {
		return false, err
	}
	return s.put(p), nil
}

// ended says why nothing more can be written.
func (s *Spool) ended() error {
	if s.broken == nil && s.closed {
		return io.ErrClosedPipe
	}
	return s.broken
}

// put adds p where it has a place, and tells whether it has one.
func (s *Spool) put(p []byte) bool {
	switch {
	case s.read == s.written && (len(s.memory)+len(p) <= spoolMemory || len(s.memory) == 0):
		s.memory = append(s.memory, p...)
	case !s.toFile(p):
		return false
	}
	s.moved.Broadcast()
	return true
}

// toFile adds p to the file, which is made when it is first needed. What was read from it is still on the disk until it
// is empty, so it counts. Where none can be made or the disk is full, memory is all there is from then on.
func (s *Spool) toFile(p []byte) bool {
	if s.file == nil && !s.noFile {
		s.noFile = s.openFile() != nil
	}
	n := int64(len(p))
	if s.noFile || s.written+n > s.limit || !s.budget.Take(n) {
		return false
	}
	sealed := make([]byte, n)
	s.lock.XORKeyStream(sealed, p)
	if _, err := s.file.WriteAt(sealed, s.written); err != nil {
		s.budget.Give(n)
		s.noFile = true // the keys of what is written and of what is read no longer keep step
		return false
	}
	s.written += n
	return true
}

// openFile makes a file that has no name, and a key that nobody can read: what stands in it is gone with the process.
func (s *Spool) openFile() error {
	f, err := os.CreateTemp("", "songan-spool-*") // 0600
	if err != nil {
		return fmt.Errorf("create spool: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return errors.Join(fmt.Errorf("unlink spool: %w", err), f.Close())
	}
	key := make([]byte, 32+aes.BlockSize)
	rand.Read(key) // never fails: crypto/rand ends the process instead
	block, err := aes.NewCipher(key[:32])
	if err != nil {
		return errors.Join(err, f.Close())
	}
	s.file = f
	s.lock, s.unlock = cipher.NewCTR(block, key[32:]), cipher.NewCTR(block, key[32:])
	return nil
}

// Close says that nothing more will be written. What was written can still be taken.
func (s *Spool) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.moved.Broadcast()
}

// Drain hands everything to the receiver until the spool is closed and empty, or the receiver fails; then Write fails
// with the same error. Idle is called when there is nothing to hand on. Drain ends the spool.
func (s *Spool) Drain(receive func([]byte) error, idle func() error) error {
	defer s.Discard()
	var chunk []byte
	for {
		var more bool
		chunk, more = s.take(chunk[:0], false)
		if len(chunk) == 0 && more {
			if err := idle(); err != nil {
				return s.fail(err)
			}
			chunk, more = s.take(chunk[:0], true)
		}
		if err := s.err(); err != nil {
			return err
		}
		if !more {
			return idle()
		}
		if err := receive(chunk); err != nil {
			return s.fail(err)
		}
	}
}

// take returns the oldest bytes; false when there are none and there will be none. It waits for them if asked to.
func (s *Spool) take(into []byte, wait bool) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for wait && len(s.memory) == 0 && s.read == s.written && !s.closed && s.broken == nil {
		s.moved.Wait()
	}
	switch {
	case s.broken != nil:
		return nil, true
	case len(s.memory) > 0:
		into = append(into, s.memory...)
		s.memory = s.memory[:0]
	case s.read < s.written:
		into = s.fromFile(into)
	default:
		return into, !s.closed
	}
	s.moved.Broadcast()
	return into, true
}

func (s *Spool) fromFile(into []byte) []byte {
	n := min(int64(spoolChunk), s.written-s.read)
	into = append(into, make([]byte, n)...)
	if _, err := s.file.ReadAt(into, s.read); err != nil {
		s.broken = fmt.Errorf("read spool: %w", err)
		return nil
	}
	s.unlock.XORKeyStream(into, into)
	s.read += n
	if s.read == s.written { // empty: give the disk back
		s.emptied()
		if err := s.file.Truncate(0); err != nil {
			s.broken = fmt.Errorf("empty spool: %w", err)
		}
	}
	return into
}

// emptied gives the disk back to the budget.
func (s *Spool) emptied() {
	s.budget.Give(s.written)
	s.read, s.written = 0, 0
}

func (s *Spool) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

func (s *Spool) fail(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = err
	s.moved.Broadcast()
	return err
}

// Discard ends the spool, whatever still stands in it; a second time it does nothing.
func (s *Spool) Discard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.moved.Broadcast()
	if s.file != nil {
		_ = s.file.Close() // it has no name: there is nothing left to lose
		s.file = nil
		s.noFile = true
		s.emptied()
	}
}

// Spooled tells how many bytes wait in the file.
func (s *Spool) Spooled() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written - s.read
}
