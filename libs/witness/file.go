package witness

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
)

// mostLine bounds one checkpoint in a file; each is some 200 bytes.
const mostLine = 16 << 10

// ToFile returns a publisher that appends checkpoints to a file, one JSON text per line, and syncs it. The file belongs
// on another disk than the database, under another account.
func ToFile(path string) func(context.Context, []byte) error {
	return func(_ context.Context, signed []byte) error {
		line, err := json.Marshal(string(signed))
		if err != nil {
			return fmt.Errorf("encode checkpoint: %w", err)
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return fmt.Errorf("write checkpoint: %w", err)
		}
		_, err = f.Write(append(line, '\n'))
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("write checkpoint: %w", err)
		}
		return nil
	}
}

// ReadFile returns the checkpoints of a file. A last line that was torn by a crash is left out; any other line that is
// not a checkpoint with a good signature is an error, because somebody has been at the file as well.
func ReadFile(path string, verifiers note.Verifiers) ([]Checkpoint, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	defer f.Close()
	var all []Checkpoint
	var torn error
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, mostLine)
	for n := 1; lines.Scan(); n++ {
		if torn != nil {
			return nil, torn
		}
		var signed string
		if err := json.Unmarshal(lines.Bytes(), &signed); err != nil {
			torn = fmt.Errorf("line %d of %s is not a checkpoint", n, path)
			continue
		}
		c, err := ParseCheckpoint([]byte(signed), verifiers)
		if err != nil {
			return nil, fmt.Errorf("line %d of %s: %w", n, path, err)
		}
		all = append(all, c)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	return all, nil
}
