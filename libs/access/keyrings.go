package access

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/songan-vn/songan/libs/httpapi/limits"
)

// StaticKeyring is a fixed set of keys by id, such as an operator's file holds.
type StaticKeyring map[string]Key

// Static makes a keyring of keys.
func Static(keys ...Key) StaticKeyring {
	s := StaticKeyring{}
	for _, k := range keys {
		s[k.ID] = k
	}
	return s
}

// Lookup returns one of the keys.
func (s StaticKeyring) Lookup(_ context.Context, id string) (Key, error) {
	if k, ok := s[id]; ok {
		return k, nil
	}
	return Key{}, ErrUnknownKey
}

const (
	keyFileMode = 0o600
	notOurs     = 0o077 // what others must not be able to do with the file
)

var errOpenToOthers = errors.New("is open to others")

// ReadKeys reads the keys of a file that [WriteKeys] wrote. A file that others can read is refused: it was
// perhaps changed by others, too.
func ReadKeys(path string) (StaticKeyring, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at key file: %w", err)
	}
	if info.Mode().Perm()&notOurs != 0 {
		return nil, fmt.Errorf("key file %s %w (mode %#o): chmod 600 it", path, errOpenToOthers, info.Mode().Perm())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	var keys []Key
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&keys); err != nil {
		return nil, fmt.Errorf("read key file %s: %w", path, err)
	}
	for i, k := range keys {
		if err := k.valid(); err != nil {
			return nil, fmt.Errorf("key %d of %s: %w", i, path, err)
		}
	}
	return Static(keys...), nil
}

func (k Key) valid() error {
	switch {
	case !isPlain(k.ID, maxID):
		return errors.New("the id is not 1 to 64 lower-case letters, digits and hyphens")
	case len(k.Hash) != len(hash("")):
		return errors.New("the hash is not a SHA-256")
	case !k.Principal.Role.Known():
		return errors.New("there is no such role")
	case k.Principal.ID == "":
		return errors.New("the principal has no id")
	}
	return k.Principal.Scopes.Check()
}

// WriteKeys writes keys to a file that only the owner can read, all of them or none.
func WriteKeys(path string, keys []Key) error {
	data, err := json.MarshalIndent(keys, "", "  ")
	if err != nil {
		return fmt.Errorf("encode keys: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // 0600
	if err != nil {
		return fmt.Errorf("create key file: %w", err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // after the rename there is nothing left to remove
	_, err = f.Write(append(data, '\n'))
	err = errors.Join(err, f.Chmod(keyFileMode), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("put key file in place: %w", err)
	}
	return nil
}

// Cache remembers keys of a slower keyring for a while, so that a request costs no query. A change of the key
// is seen after at most the TTL, or at once by who calls [Cache.Forget].
type Cache struct {
	behind Keyring
	ttl    time.Duration
	now    func() time.Time
	keys   *limits.Recent[cached]
	asking singleflight.Group

	// forgotten counts calls of Forget, which outdate the questions under way. What is remembered changes under the same lock.
	mu        sync.Mutex
	forgotten int64
}

type cached struct {
	key   Key
	until time.Time
}

// CacheOptions sizes a [Cache].
type CacheOptions struct {
	// TTL is how long a key is believed; 5 seconds when it is 0.
	TTL time.Duration
	// Size is how many keys are remembered; 10,000 when it is 0.
	Size int
	Now  func() time.Time
}

// Cached puts a cache before a keyring. Unknown keys are not remembered: a key works as soon as it exists.
func Cached(behind Keyring, o CacheOptions) *Cache {
	const ttl, size = 5 * time.Second, 10_000
	if o.TTL == 0 {
		o.TTL = ttl
	}
	if o.Size == 0 {
		o.Size = size
	}
	return &Cache{behind: behind, ttl: o.TTL, now: o.Now, keys: limits.NewRecent[cached](o.Size)}
}

// Lookup returns the key from memory, or asks for it. Callers that ask for the same key at the same time
// cause one question.
func (c *Cache) Lookup(ctx context.Context, id string) (Key, error) {
	if known, ok := c.keys.Get(id); ok && c.now().Before(known.until) {
		return known.key, nil
	}
	answer, err, _ := c.asking.Do(id, func() (any, error) { return c.ask(ctx, id) })
	if err != nil {
		return Key{}, err
	}
	return answer.(Key), nil
}

// ask has its own time limit: the end of the caller who came first must not be everybody's.
func (c *Cache) ask(ctx context.Context, id string) (Key, error) {
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	until, generation := c.now().Add(c.ttl), c.generation()
	key, err := c.behind.Lookup(ctx, id)
	if err != nil {
		return Key{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.forgotten == generation { // else this answer may be from before the change
		c.keys.Put(id, cached{key, until})
	}
	return key, nil
}

func (c *Cache) generation() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.forgotten
}

// Forget makes the next lookup ask again.
func (c *Cache) Forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgotten++
	c.asking.Forget(id)
	c.keys.Forget(id)
}
