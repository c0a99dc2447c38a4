package vault

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/plainjson"
	"github.com/songan-vn/songan/libs/vault/internal/keyring"
	"github.com/songan-vn/songan/libs/vault/internal/ledger"
)

//go:embed migrations
var migrations embed.FS

// Migrate makes the tables of the vault in the current schema. It may be called by several processes at once.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("migrations of the vault: %w", err)
	}
	if err := pg.Migrate(ctx, pool, "vault", files); err != nil {
		return fmt.Errorf("migrate vault: %w", err)
	}
	return nil
}

const (
	// MaxRefs is how many references one call may name.
	MaxRefs = 1000
	// maxPlain bounds one sealed record. A person is some hundred bytes.
	maxPlain = 64 << 10
	// keyTimeout bounds the one Seal of a month that finds its key not made ahead.
	keyTimeout = 5 * time.Second
)

// ErrTooMany says that a call names more than [MaxRefs] references.
var ErrTooMany = errors.New("more references than a call may name")

// Options are the vault's surroundings.
type Options struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log hears of keys made and destroyed, rows erased, and nothing of people; nil means nobody.
	Log *zap.Logger
	// Ledger is the file that erasures are appended to before they are committed. It has to survive what the
	// database does not: keep it on another disk and in every backup. Empty means the key file's name with
	// ".erasures.jsonl" added.
	Ledger string
	// Needed is asked before anything is erased by a request, an officer or a term; nil means that nothing is needed. It is
	// not asked about rows that expire by themselves, or that a ledger says were erased.
	Needed Needed
}

// Vault seals, reads and erases. It is safe for concurrent use.
type Vault struct {
	pool   *pgxpool.Pool
	keys   *keyring.Ring
	json   *plainjson.Encoder
	now    func() time.Time
	log    *zap.Logger
	ledger string // the path
	needed Needed

	// late fetches the key of a month for a Seal that finds it not made ahead.
	late func(keyring.Month) (*dataKey, error)
	// current is the key that Seal uses as long as its month lasts.
	current atomic.Pointer[dataKey]
	// mutex guards cached and lets one caller at a time fetch a key.
	mutex  sync.Mutex
	cached map[keyring.Month]*dataKey
}

// dataKey is the opened key of one month.
type dataKey struct {
	id          string
	from, until time.Time
	aead        tink.AEAD
}

// Open returns the vault in the current schema of pool, with the keys of this month and the next at hand. Keys that
// do not fit the vault are refused here, before anything is sealed with them.
func Open(ctx context.Context, pool *pgxpool.Pool, keys *Keys, o Options) (*Vault, error) {
	v := &Vault{
		pool: pool, keys: keys.ring, now: o.Now, log: o.Log, ledger: o.Ledger, needed: o.Needed,
		json: plainjson.Standard(), cached: make(map[keyring.Month]*dataKey),
	}
	if v.now == nil {
		v.now = time.Now
	}
	if v.log == nil {
		v.log = zap.NewNop()
	}
	if v.ledger == "" {
		v.ledger = keys.ring.Path() + ".erasures.jsonl"
	}
	v.late = func(m keyring.Month) (*dataKey, error) { // Seal has no context of its own, for the sake of all its other calls
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keyTimeout)
		defer cancel()
		return v.ensure(ctx, m)
	}
	if err := v.checkKeys(ctx); err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	if err := v.prepare(ctx, v.now()); err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	return v, nil
}

// checkKeys opens the newest living key: another key file must not begin to add months of its own.
func (v *Vault) checkKeys(ctx context.Context) error {
	const newest = `select id from vault_keys where destroyed_at is null order by id desc limit 1`
	id := ""
	switch err := v.pool.QueryRow(ctx, newest).Scan(&id); {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("look for keys: %w", err)
	}
	m, err := keyring.ParseMonth(id)
	if err != nil {
		return err
	}
	if _, err = v.key(ctx, m); errors.Is(err, ErrDestroyed) { // by a file from after, on a database from before
		return nil
	}
	return err
}

// prepare sees to the keys of the month of now and of the next one.
func (v *Vault) prepare(ctx context.Context, now time.Time) error {
	current, err := v.ensure(ctx, keyring.MonthOf(now))
	if err != nil {
		return err
	}
	v.current.Store(current)
	_, err = v.ensure(ctx, keyring.MonthOf(now)+1)
	return err
}

// Seal encrypts value, as JSON, under a new reference. It computes and waits for nothing: the row is stored by the
// caller, in the transaction of the fact that names it. A zero expires means never.
func (v *Vault) Seal(purpose string, value any, index Index, expires time.Time) (Row, error) {
	if err := ledger.CheckCode("purpose", purpose); err != nil {
		return Row{}, fmt.Errorf("seal: %w", err)
	}
	plain, err := v.json.Marshal(value)
	if err != nil { // the error could quote the value
		return Row{}, fmt.Errorf("seal %s: %T cannot be written as JSON", purpose, value)
	}
	if len(plain) > maxPlain {
		return Row{}, fmt.Errorf("seal %s: %d bytes are more than %d", purpose, len(plain), maxPlain)
	}
	row := Row{Purpose: purpose, ExpiresAt: expires}
	if row.DocumentIndex, err = v.keys.Index.Document(index.Document); err != nil {
		return Row{}, fmt.Errorf("seal %s: document: %w", purpose, err)
	}
	if row.NameIndex, err = v.keys.Index.Name(index.Name); err != nil {
		return Row{}, fmt.Errorf("seal %s: name: %w", purpose, err)
	}
	if err := v.encrypt(&row, plain); err != nil {
		return Row{}, fmt.Errorf("seal %s: %w", purpose, err)
	}
	return row, nil
}

func (v *Vault) encrypt(row *Row, plain []byte) error {
	now := v.now()
	key, err := v.sealing(now)
	if err != nil {
		return err
	}
	if row.Ref, err = newRef(now); err != nil {
		return fmt.Errorf("make a reference: %w", err)
	}
	row.Key = key.id
	row.Ciphertext, err = key.aead.Encrypt(plain, associated(row.Ref, row.Purpose))
	return err
}

// associated binds a ciphertext to its row. The reference has a fixed length, so the two cannot run together.
func associated(ref Ref, purpose string) []byte { return []byte(string(ref) + purpose) }

// sealing returns the key of the month of now. When the month has turned, the key made ahead takes over; only a process
// that has not been swept for a month fetches it here.
func (v *Vault) sealing(now time.Time) (*dataKey, error) {
	if key := v.current.Load(); !now.Before(key.from) && now.Before(key.until) {
		return key, nil
	}
	key, err := v.late(keyring.MonthOf(now))
	if err != nil {
		return nil, err
	}
	v.current.Store(key)
	return key, nil
}

// ensure returns the key of a month and makes it if nobody has.
func (v *Vault) ensure(ctx context.Context, m keyring.Month) (*dataKey, error) {
	key, err := v.key(ctx, m)
	if !errors.Is(err, errNoKey) {
		return key, err
	}
	made := false
	err = pgx.BeginFunc(ctx, v.pool, func(tx pgx.Tx) error {
		made, err = v.makeKey(ctx, tx, m)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make the key of %s: %w", m, err)
	}
	if made {
		v.log.Info("month key made", zap.String("month", m.String()))
	}
	return v.key(ctx, m)
}

// makeKey stores a new key. Of several processes that come at once the first wins; the others wait for its commit and
// then find its key. The lock keeps the master key that wraps it from being retired in between.
func (v *Vault) makeKey(ctx context.Context, tx pgx.Tx, m keyring.Month) (bool, error) {
	if _, err := tx.Exec(ctx, `lock table vault_keys in row exclusive mode`); err != nil {
		return false, err
	}
	fresh, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return false, err
	}
	wrapped, err := v.keys.Wrap(m, fresh)
	if err != nil {
		return false, err
	}
	const insert = `insert into vault_keys (id, wrapped, created_at) values ($1, $2, $3) on conflict (id) do nothing`
	tag, err := tx.Exec(ctx, insert, m.String(), wrapped, v.now())
	return tag.RowsAffected() == 1, err
}

var errNoKey = errors.New("the month has no key")

// key returns the key of a month from memory or from the table. It makes none.
func (v *Vault) key(ctx context.Context, m keyring.Month) (*dataKey, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if key := v.cached[m]; key != nil {
		return key, nil
	}
	var wrapped []byte
	const query = `select wrapped from vault_keys where id = $1`
	switch err := v.pool.QueryRow(ctx, query, m.String()).Scan(&wrapped); {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, fmt.Errorf("%s: %w", m, errNoKey)
	case err != nil:
		return nil, fmt.Errorf("fetch the key of %s: %w", m, err)
	case wrapped == nil:
		return nil, fmt.Errorf("%s: %w", m, ErrDestroyed)
	}
	handle, err := v.keys.Unwrap(m, wrapped)
	if err != nil {
		return nil, err
	}
	opened, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("open the key of %s: %w", m, err)
	}
	v.cached[m] = &dataKey{id: m.String(), from: m.Begin(), until: m.End(), aead: opened}
	return v.cached[m], nil
}

// drop forgets a month in memory.
func (v *Vault) drop(m keyring.Month) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	delete(v.cached, m)
}
