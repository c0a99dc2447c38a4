package witness

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint says what a log was at a moment. Its text is that of C2SP tlog-checkpoint: origin, size, root, and the time
// as an extension line.
type Checkpoint struct {
	// Origin names the log: "songan/accommodation".
	Origin string
	// Size is how many facts the log had: the position of the last.
	Size int64
	Root tlog.Hash
	// At is when it was signed, by the keeper's clock.
	At time.Time
}

const timeLine = "time "

func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n%s%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]),
		timeLine, c.At.UTC().Format(time.RFC3339))
}

var errCheckpoint = errors.New("not a checkpoint of a log")

// ParseCheckpoint opens a signed checkpoint. Without a signature by one of the verifiers it is refused.
func ParseCheckpoint(signed []byte, verifiers note.Verifiers) (Checkpoint, error) {
	opened, err := note.Open(signed, verifiers)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("open checkpoint: %w", err)
	}
	const lines = 4
	parts := strings.Split(strings.TrimSuffix(opened.Text, "\n"), "\n")
	if len(parts) != lines {
		return Checkpoint{}, errCheckpoint
	}
	c := Checkpoint{Origin: parts[0]}
	size, sizeErr := strconv.ParseInt(parts[1], 10, 64)
	root, rootErr := tlog.ParseHash(parts[2])
	at, timeErr := time.Parse(timeLine+time.RFC3339, parts[3])
	if err := errors.Join(sizeErr, rootErr, timeErr); err != nil || size < 0 {
		return Checkpoint{}, errors.Join(errCheckpoint, err)
	}
	c.Size, c.Root, c.At = size, root, at
	return c, nil
}

// CreateKey writes a new signing key to a file that only the owner can read, and the public key beside it, with ".pub"
// added. An existing file is an error that wraps [os.ErrExist].
func CreateKey(path, name string) error {
	secret, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	for _, file := range []struct {
		path, text string
		mode       os.FileMode
	}{{path, secret, 0o600}, {path + ".pub", public, 0o644}} {
		f, err := os.OpenFile(file.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, file.mode)
		if err != nil {
			return fmt.Errorf("write signing key: %w", err)
		}
		_, err = f.WriteString(file.text + "\n")
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("write signing key: %w", err)
		}
	}
	return nil
}

// LoadKey reads a signing key that [CreateKey] wrote. A file that others can read is refused.
func LoadKey(path string) (note.Signer, error) {
	const others = 0o077
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at signing key: %w", err)
	}
	if info.Mode().Perm()&others != 0 {
		return nil, fmt.Errorf("signing key %s is open to others (mode %#o): chmod 600 it", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", path, err)
	}
	return signer, nil
}

// LoadVerifier reads a public key, such as stands beside a signing key.
func LoadVerifier(path string) (note.Verifiers, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read public key: %w", err)
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("public key %s: %w", path, err)
	}
	return note.VerifierList(verifier), nil
}
