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

// Write adds p, in memory if nothing newer stands in the file.
func (s *Spool) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.broken == nil && !s.closed && !s.fits(len(p)) {
		s.moved.Wait()
	}
	switch {
	case s.broken != nil:
		return 0, s.broken
	case s.closed:
		return 0, io.ErrClosedPipe
	case s.inMemory(len(p)):
		s.memory = append(s.memory, p...)
	default:
		if err := s.toFile(p); err != nil {
			s.broken = err
			return 0, err
		}
	}
	s.moved.Broadcast()
	return len(p), nil
}

func (s *Spool) inMemory(n int) bool {
	return s.read == s.written && (len(s.memory)+n <= spoolMemory || len(s.memory) == 0)
}

// fits tells whether n bytes have a place, and takes it if it is one in the file. What was read from the file is still on
// the disk until the file is empty, so it counts. fits makes the file when one is needed; where none can be made, memory is all
// there is.
func (s *Spool) fits(n int) bool {
	if s.inMemory(n) {
		return true
	}
	if s.file == nil && !s.noFile {
		s.noFile = s.openFile() != nil
	}
	return !s.noFile && s.written+int64(n) <= s.limit && s.budget.Take(int64(n))
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

func (s *Spool) toFile(p []byte) error {
	sealed := make([]byte, len(p))
	s.lock.XORKeyStream(sealed, p)
	if _, err := s.file.WriteAt(sealed, s.written); err != nil {
		s.budget.Give(int64(len(p)))
		return fmt.Errorf("write spool: %w", err)
	}
	s.written += int64(len(p))
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
	defer s.end()
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

func (s *Spool) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
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
