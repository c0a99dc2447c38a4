package witness

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/songan-vn/songan/libs/pg"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate makes the table of leaves beside the log.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("open witness migrations: %w", err)
	}
	if err := pg.Migrate(ctx, pool, "witness", files); err != nil {
		return fmt.Errorf("migrate witness: %w", err)
	}
	return nil
}

// Options say how a log is witnessed.
type Options struct {
	// Origin names the log in its checkpoints: "songan/accommodation".
	Origin string
	Signer note.Signer
	// Publish keeps a signed checkpoint outside the database. All of them are called for each checkpoint; one that fails is
	// called again with the next, which stands for everything before it as well.
	Publish []func(ctx context.Context, signed []byte) error
	// Every is how long facts wait for their checkpoint; 2 s if zero.
	Every time.Duration
	// Rest is called after each page of the log, with what it took and when its oldest fact was recorded; nil goes on at once.
	Rest func(ctx context.Context, took time.Duration, since time.Time)
	Now  func() time.Time
	Log  *zap.Logger
}

// Keeper adds a log to its tree and signs checkpoints. Several processes may keep one log: they take turns.
type Keeper struct {
	pool    *pgxpool.Pool
	options Options

	mu     sync.Mutex
	tree   *tree
	signed []byte
	latest Checkpoint
}

// NewKeeper returns a keeper that has not looked at the log yet.
func NewKeeper(pool *pgxpool.Pool, o Options) *Keeper {
	const every = 2 * time.Second
	if o.Every <= 0 {
		o.Every = every
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return &Keeper{pool: pool, options: o}
}

// Run signs checkpoints until ctx ends. It waits while the database is away. A log that does not fit its own leaves ends
// it: signing that would make the tampering ours.
func (k *Keeper) Run(ctx context.Context) error {
	tick := time.NewTicker(k.options.Every)
	defer tick.Stop()
	for {
		_, err := k.Sign(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, ErrTampered) {
			return err
		}
		if err != nil {
			k.options.Log.Warn("no checkpoint this time", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// ErrTampered says that the log is not what its leaves say that it was.
var ErrTampered = errors.New("the log was tampered with")

// Sign adds what was appended to the tree and publishes a checkpoint of it. Nothing new is signed twice.
func (k *Keeper) Sign(ctx context.Context) (Checkpoint, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	grown, err := k.grow(ctx)
	if err != nil {
		return Checkpoint{}, err
	}
	if k.signed != nil && grown.size() == k.latest.Size {
		return k.latest, nil
	}
	root, err := grown.root()
	if err != nil {
		return Checkpoint{}, err
	}
	c := Checkpoint{Origin: k.options.Origin, Size: grown.size(), Root: root, At: k.options.Now()}
	signed, err := note.Sign(&note.Note{Text: c.text()}, k.options.Signer)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sign checkpoint: %w", err)
	}
	for _, publish := range k.options.Publish {
		err = errors.Join(err, publish(ctx, signed))
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("publish checkpoint of %d facts: %w", c.Size, err)
	}
	k.latest, k.signed = c, signed
	return c, nil
}

// grow returns the tree with everything that stands in the log, and keeps its leaves. Each page is a transaction of its
// own, so that a first look at a long log holds nobody up.
func (k *Keeper) grow(ctx context.Context) (*tree, error) {
	for {
		began := time.Now()
		grown, entries, err := k.growPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("grow the tree: %w", err)
		}
		if k.tree = grown; len(entries) < pageSize {
			return grown, nil
		}
		if k.options.Rest != nil {
			k.options.Rest(ctx, time.Since(began), entries[0].recordedAt)
		}
	}
}

// growPage adds one page of rows.
func (k *Keeper) growPage(ctx context.Context) (grown *tree, entries []entry, err error) {
	err = pgx.BeginFunc(ctx, k.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock('witness_leaves'::regclass::oid::bigint)`); err != nil {
			return fmt.Errorf("wait for other keepers: %w", err)
		}
		if grown, err = k.load(ctx, tx); err != nil {
			return err
		}
		if entries, err = page(ctx, tx, grown.size()); err != nil {
			return err
		}
		return grow(ctx, tx, grown, entries)
	})
	return grown, entries, err
}

// grow adds rows to the tree and their leaves to the table.
func grow(ctx context.Context, tx pgx.Tx, t *tree, entries []entry) error {
	leaves := slices.Clone(t.last)
	for i, e := range entries {
		if want := t.size() + 1; e.position != want {
			return fmt.Errorf("position %d is missing: %w", want, ErrTampered)
		}
		chunk := int64(len(t.roots))
		leaves = append(leaves, e.leaf())
		if t.add(leaves[len(leaves)-1]); len(t.last) > 0 && i < len(entries)-1 {
			continue
		}
		const upsert = `insert into witness_leaves (chunk, leaves) values ($1, $2) on conflict (chunk) do update set leaves = $2`
		if _, err := tx.Exec(ctx, upsert, chunk, pack(leaves)); err != nil {
			return fmt.Errorf("keep leaves: %w", err)
		}
		leaves = leaves[:0]
	}
	return nil
}

// load returns the tree as the table has it: what this process knows, and what others added since.
func (k *Keeper) load(ctx context.Context, tx pgx.Tx) (*tree, error) {
	t := &tree{}
	if k.tree != nil {
		t.roots = slices.Clone(k.tree.roots)
	}
	rows, err := tx.Query(ctx, `select chunk, leaves from witness_leaves where chunk >= $1 order by chunk`, len(t.roots))
	if err != nil {
		return nil, fmt.Errorf("load leaves: %w", err)
	}
	var chunk int64
	var packed []byte
	_, err = pgx.ForEachRow(rows, []any{&chunk, &packed}, func() error {
		if chunk != int64(len(t.roots)) || len(t.last) > 0 || len(packed)%tlog.HashSize != 0 {
			return fmt.Errorf("leaves of chunk %d do not fit: %w", chunk, ErrTampered)
		}
		for _, leaf := range unpack(packed) {
			t.add(leaf)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load leaves: %w", err)
	}
	return t, nil
}

func pack(leaves []tlog.Hash) []byte {
	packed := make([]byte, 0, len(leaves)*tlog.HashSize)
	for _, leaf := range leaves {
		packed = append(packed, leaf[:]...)
	}
	return packed
}

func unpack(packed []byte) []tlog.Hash {
	leaves := make([]tlog.Hash, len(packed)/tlog.HashSize)
	for i := range leaves {
		copy(leaves[i][:], packed[i*tlog.HashSize:])
	}
	return leaves
}
