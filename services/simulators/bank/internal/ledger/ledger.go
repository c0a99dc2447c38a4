// Package ledger is what a simulated bank knows for certain: which payments it booked, which accounts it holds, and what
// it still owes an answer. It survives kill -9.
//
//  1. The ledger is an append-only file, ledger.jsonl. One line is one batch of entries: a checksum, a space, JSON. A
//     batch counts when its line is complete and on disk, and not before.
//  2. A batch is on disk when [Ledger.Update] returns. Only then may anybody be told of it.
//  3. A last line that is torn was told to nobody, and is cut off at the next start. A damaged line with others behind it
//     is an error: somebody wrote to the file, or the disk lies.
//  4. A payment stands there once. What is instructed again is counted, and what comes under a known id with another body
//     is counted as a conflict; neither books anything.
//  5. The file belongs to one process at a time (flock).
//  6. After a failed write the ledger refuses everything: memory is ahead of the disk.
package ledger

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
)

const (
	fileName     = "ledger.jsonl"
	checksum     = 8 // hexadecimal digits before the JSON
	readerBuffer = 1 << 20
)

// Ledger is an open ledger. It may be used from everywhere at once.
type Ledger struct {
	mu     sync.RWMutex
	file   *os.File
	state  state
	failed error // why nothing more is accepted
}

// Open reads the ledger in a folder, which is made if it is not there, and locks it.
func Open(dir string) (*Ledger, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	name := filepath.Join(dir, fileName)
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's folder
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	l := &Ledger{file: file, state: newState()}
	if err := errors.Join(l.lock(), l.replay(), syncFolder(dir)); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger %s: %w", name, err), file.Close())
	}
	return l, nil
}

func (l *Ledger) lock() error {
	if err := syscall.Flock(int(l.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("another process has it: %w", err)
	}
	return nil
}

// syncFolder makes sure that a file which was just made is found after a power cut.
func syncFolder(dir string) error {
	folder, err := os.Open(dir) //nolint:gosec // the operator's folder
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// replay reads all batches, and cuts off a torn one at the end.
func (l *Ledger) replay() error {
	reader := bufio.NewReaderSize(l.file, readerBuffer)
	good := int64(0)
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return l.cut(good) // whatever is there has no end
		}
		if err != nil {
			return fmt.Errorf("read line %d: %w", number, err)
		}
		b, err := decode(line)
		if err != nil {
			if _, more := reader.Peek(1); errors.Is(more, io.EOF) {
				return l.cut(good) // the disk was asked for the whole line, and did not answer
			}
			return fmt.Errorf("line %d: %w", number, err)
		}
		l.state.apply(b)
		good += int64(len(line))
	}
}

func (l *Ledger) cut(size int64) error {
	if err := l.file.Truncate(size); err != nil {
		return fmt.Errorf("cut off a torn line: %w", err)
	}
	_, err := l.file.Seek(size, io.SeekStart)
	return err
}

// Update lets change make entries, which take effect at once for change itself, and writes them in one batch. When it
// returns nil they are on disk. Without entries nothing is written.
func (l *Ledger) Update(change func(*Tx)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed != nil {
		return fmt.Errorf("ledger is closed: %w", l.failed)
	}
	tx := Tx{state: &l.state}
	change(&tx)
	if len(tx.made.Entries) == 0 && len(tx.made.Handled) == 0 {
		return nil
	}
	if err := l.write(tx.made); err != nil {
		l.failed = err
		return fmt.Errorf("write ledger: %w", err)
	}
	return nil
}

func (l *Ledger) write(b batch) error {
	line, err := encode(b)
	if err != nil {
		return err
	}
	if _, err := l.file.Write(line); err != nil {
		return fmt.Errorf("append a line: %w", err)
	}
	return l.file.Sync()
}

// View lets look read the ledger while nobody changes it. It must not keep what it sees, nor take long.
func (l *Ledger) View(look func(View)) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	look(View{&l.state})
}

// Close gives the file back. Whatever comes afterwards is refused.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = os.ErrClosed
	}
	// A process that is just being forked holds the file a moment longer, and with it the lock.
	unlocked := l.unlock()
	if err := errors.Join(unlocked, l.file.Close()); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("close ledger: %w", err)
	}
	return nil
}

func (l *Ledger) unlock() error {
	if fd := l.file.Fd(); fd != ^uintptr(0) { // which is what a closed file has
		return syscall.Flock(int(fd), syscall.LOCK_UN) //nolint:gosec // a file descriptor is small
	}
	return nil
}

func encode(b batch) ([]byte, error) {
	text, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encode batch: %w", err)
	}
	line := make([]byte, 0, checksum+1+len(text)+1)
	line = fmt.Appendf(line, "%0*x ", checksum, sum(text))
	return append(append(line, text...), '\n'), nil
}

var errDamaged = errors.New("the line is damaged")

func decode(line []byte) (batch, error) {
	head, text, found := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
	if !found || len(head) != checksum {
		return batch{}, errDamaged
	}
	want, err := strconv.ParseUint(string(head), 16, 32)
	if err != nil || uint64(sum(text)) != want {
		return batch{}, errDamaged
	}
	var b batch
	if err := json.Unmarshal(text, &b); err != nil {
		return batch{}, fmt.Errorf("read batch: %w", err)
	}
	return b, nil
}

func sum(text []byte) uint32 { return crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)) }
