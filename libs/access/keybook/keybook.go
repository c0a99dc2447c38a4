// Package keybook keeps the API keys that administrators give out over HTTP, and when keys were last used.
//
//  1. A key has a holder, a role with its bounds, scopes, and an end. It is for a program, so it is of a role that programs
//     have ([roleOfKeys]): people sign in, and an administrator cannot become an officer by a key. Keys of other roles stand
//     in the operators' file. An administrator's key has scopes, and whoever has scopes gives out none that are wider.
//     A holder begins with [holderPrefix] in everything that is kept, and no person's id does: a key acts in nobody's name.
//  2. A key is rotated by a successor. The old one goes on until a time that was named, at most 90 days, so that a program
//     can be changed over without a pause.
//  3. A key that was revoked is refused here at once, and by other processes after [cacheTTL].
//  4. The last use is noted in memory and written once a minute: no request waits for it.
//  5. The same request asked again (its Idempotency-Key) answers with the same token, which is derived and not kept. Another
//     request with the same Idempotency-Key is refused.
//  6. Who is cut off loses the keys that they hold, those that they gave out, and those that were given out by these. Services
//     that give out keys of their own ask [Book.CutOff].
//  7. Keys of facilities are none of them: who gives one out could read guests by it that they may not see, so it stands in
//     the facility's own log who did. See package accommodation.
package keybook

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"embed"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/problem"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate makes the tables. Several processes may do it at once.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	return pg.Migrate(ctx, pool, "keybook", files)
}

// cacheTTL is how long another process may still accept a key that was revoked here.
const cacheTTL = 5 * time.Second

// Options is what a [Book] needs beside its database.
type Options struct {
	// Secret is 32 bytes that tokens are derived from; the same in all processes.
	Secret []byte
	Now    func() time.Time
	Log    *zap.Logger
}

// Book holds keys.
type Book struct {
	pool  *pgxpool.Pool
	now   func() time.Time
	log   *zap.Logger
	names []byte
	cache *access.Cache
	// Uses knows when keys were last used.
	Uses *Uses
}

const secretBytes = 32

// Open returns the book of a database; [Migrate] was called before.
func Open(pool *pgxpool.Pool, o Options) (*Book, error) {
	if len(o.Secret) != secretBytes {
		return nil, fmt.Errorf("open key book: the secret has not %d bytes", secretBytes)
	}
	names, err := hkdf.Key(sha256.New, o.Secret, nil, "songan keybook", secretBytes)
	if err != nil {
		return nil, fmt.Errorf("open key book: %w", err)
	}
	b := &Book{pool: pool, now: o.Now, log: o.Log, names: names, Uses: NewUses(pool, o.Now, o.Log)}
	b.cache = access.Cached(rows{pool}, access.CacheOptions{TTL: cacheTTL, Now: o.Now})
	return b, nil
}

// Keyring finds keys of the book; most lookups are answered from memory.
func (b *Book) Keyring() access.Keyring { return b.cache }

// name derives a name that nobody can guess who lacks the secret.
func (b *Book) name(kind string, parts ...string) string {
	m := hmac.New(sha256.New, b.names)
	for _, part := range append([]string{kind}, parts...) {
		fmt.Fprintf(m, "%d:%s", len(part), part)
	}
	const bits128 = 16
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(m.Sum(nil)[:bits128]))
}

// fingerprint digests the body of a request.
func (b *Book) fingerprint(body []byte) string { return b.name("body", string(body)) }

// Entry is a key as the book knows it.
type Entry struct {
	Key       access.Key
	Successor string
	IssuedAt  time.Time
	IssuedBy  string
	RevokedAt time.Time
	RevokedBy string
	LastUsed  time.Time
	// request is the fingerprint of what made it.
	request string
}

const columns = `k.id, k.hash, k.holder, k.role, k.facility, k.unit, k.bank, k.scopes, k.expires_at, k.successor,
	k.issued_at, k.issued_by, k.revoked_at, k.revoked_by, k.request`

// row is one as PostgreSQL returns it.
type row struct {
	ID                                        string
	Hash                                      []byte
	Holder, Role, Facility, Unit, Bank, Scope string
	ExpiresAt                                 time.Time
	Successor                                 *string
	IssuedAt                                  time.Time
	IssuedBy                                  string
	RevokedAt                                 *time.Time
	RevokedBy                                 *string
	Request                                   string
	LastUsed                                  *time.Time
}

func (r row) entry() Entry {
	e := Entry{
		Key: access.Key{
			ID: r.ID, Hash: r.Hash, ExpiresAt: r.ExpiresAt, Revoked: r.RevokedAt != nil, Replaced: r.Successor != nil,
			Principal: access.Principal{
				ID: r.Holder, Role: access.Role(r.Role), Facility: r.Facility, Unit: r.Unit, Bank: r.Bank, Scopes: access.Scopes(r.Scope),
			},
		},
		IssuedAt: r.IssuedAt, IssuedBy: r.IssuedBy, request: r.Request,
	}
	set(&e.Successor, r.Successor)
	set(&e.RevokedAt, r.RevokedAt)
	set(&e.RevokedBy, r.RevokedBy)
	set(&e.LastUsed, r.LastUsed)
	return e
}

func set[V any](into, from *V) {
	if from != nil {
		*into = *from
	}
}

// rows is the keyring behind the cache.
type rows struct{ pool *pgxpool.Pool }

// Lookup reads a key.
func (r rows) Lookup(ctx context.Context, id string) (access.Key, error) {
	e, err := read(ctx, r.pool, id, "")
	return e.Key, err
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func read(ctx context.Context, from querier, id, lock string) (Entry, error) {
	found, err := from.Query(ctx, `
		select `+columns+`, null::timestamptz
		  from keybook_keys k
		 where k.id = $1 `+lock, id)
	if err != nil {
		return Entry{}, fmt.Errorf("read key: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(found, pgx.RowToStructByPos[row])
	if errors.Is(err, pgx.ErrNoRows) {
		return Entry{}, access.ErrUnknownKey
	}
	if err != nil {
		return Entry{}, fmt.Errorf("read key: %w", err)
	}
	return r.entry(), nil
}

// List returns keys, the latest first, from behind one on; holder "" is everybody.
func (b *Book) List(ctx context.Context, holder string, after Place, limit int) ([]Entry, error) {
	const list = `
		select ` + columns + `, u.last_used_at
		  from keybook_keys k
		  left join keybook_uses u on u.key = k.id
		 where ($1 = '' or k.holder = $1)
		   and ($2::timestamptz is null or (k.issued_at, k.id) < ($2, $3))
		 order by k.issued_at desc, k.id desc
		 limit $4`
	var from *time.Time
	if !after.IssuedAt.IsZero() {
		from = &after.IssuedAt
	}
	found, err := b.pool.Query(ctx, list, holder, from, after.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	all, err := pgx.CollectRows(found, pgx.RowToStructByPos[row])
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	entries := make([]Entry, len(all))
	for i, r := range all {
		entries[i] = r.entry()
	}
	return entries, nil
}

// Place is where a page of keys ends.
type Place struct {
	IssuedAt time.Time `json:"issued_at"`
	ID       string    `json:"id"`
}

func unknown() error {
	return problem.New(problem.NotFound, "key_unknown", "there is no such key", "không có mã truy cập này")
}
