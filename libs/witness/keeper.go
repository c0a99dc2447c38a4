package witness

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/songan-vn/songan/libs/eventstore"
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
	// Of is what is witnessed: the log, unless it is said.
	Of Source
	// Origin names the log in its checkpoints: "songan/accommodation".
	Origin string
	Signer note.Signer
	// Publish keeps a signed checkpoint outside the database. All of them are called for each checkpoint; one that fails is
	// called again with the next, which stands for everything before it as well.
	Publish []func(ctx context.Context, signed []byte) error
	// Every is how long facts wait for their checkpoint; 2 s if zero.
	Every time.Duration
	// Patience is how long one page, or one look, may wait for the database and for other keepers; 30 s if zero.
	Patience time.Duration
	// Overhear hands on what this process appends to the log, as [eventstore.Store.Overhear] does, so that the table need not be read
	// for it; nil reads all of it. It is for [Facts]; the register is read anyway.
	Overhear func(ctx context.Context, handle func([]eventstore.Stored))
	// Rest is called after each page of the log, with what it took and when its oldest fact was recorded; nil goes on at once.
	Rest func(ctx context.Context, took time.Duration, since time.Time)
	Now  func() time.Time
	Log  *zap.Logger
}

// Keeper adds a log to its tree and signs checkpoints. Several processes may keep one log: they take turns.
type Keeper struct {
	pool    *pgxpool.Pool
	options Options
	heard   heard

	mu     sync.Mutex
	tree   *tree
	signed []byte
	latest Checkpoint
	// settled is up to where no row can be added any more, ahead what will be when those who write now are done; see settle.
	settled, ahead look
	// whole is the moment, in Unix nanoseconds, up to which everything has a checkpoint.
	whole atomic.Int64
}

// NewKeeper returns a keeper that has not looked at the log yet.
func NewKeeper(pool *pgxpool.Pool, o Options) *Keeper {
	const every, patience = 2 * time.Second, 30 * time.Second
	o.Every, o.Patience, o.Of = cmp.Or(o.Every, every), cmp.Or(o.Patience, patience), cmp.Or(o.Of, Facts)
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	k := &Keeper{pool: pool, options: o, ahead: look{at: o.Now()}}
	k.whole.Store(k.ahead.at.UnixNano())
	return k
}

// Age is how long ago everything had a checkpoint: some seconds, or as long as no checkpoint could be made. Before the first it
// counts from when the keeper was made.
func (k *Keeper) Age() time.Duration {
	return k.options.Now().Sub(time.Unix(0, k.whole.Load()))
}

// Run signs checkpoints until ctx ends. It waits while the database is away. A log that does not fit its own leaves ends
// it: signing that would make the tampering ours.
func (k *Keeper) Run(ctx context.Context) error {
	var listening sync.WaitGroup
	defer listening.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if k.options.Of == Facts && k.options.Overhear != nil {
		listening.Go(func() { k.options.Overhear(ctx, k.heard.hear) })
	}
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
		k.whole.Store(k.settled.at.UnixNano())
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
	k.whole.Store(k.settled.at.UnixNano())
	return c, nil
}

// grow returns the tree with all facts of the log, or with the numbers of the register that are settled, and keeps its leaves.
// Each page is a transaction of its own, so that a first look at a long log holds nobody up.
func (k *Keeper) grow(ctx context.Context) (*tree, error) {
	if err := k.settle(ctx); err != nil {
		return nil, fmt.Errorf("grow the tree: %w", err)
	}
	if k.tree != nil && k.settled.given <= k.tree.size() {
		return k.tree, nil
	}
	for {
		began := time.Now()
		grown, p, err := k.growPage(ctx, k.settled.given)
		if err != nil {
			return nil, fmt.Errorf("grow the tree: %w", err)
		}
		if k.tree = grown; !p.more {
			return grown, nil
		}
		if k.options.Rest != nil {
			k.options.Rest(ctx, time.Since(began), p.rows[0].recordedAt)
		}
	}
}

// growPage adds one page of rows.
func (k *Keeper) growPage(ctx context.Context, until int64) (grown *tree, p page, err error) {
	ctx, cancel := context.WithTimeout(ctx, k.options.Patience)
	defer cancel()
	err = pgx.BeginFunc(ctx, k.pool, func(tx pgx.Tx) error {
		const lock = `select pg_advisory_xact_lock('witness_leaves'::regclass::oid::int, hashtext($1))`
		if _, err := tx.Exec(ctx, lock, string(k.options.Of)); err != nil {
			return fmt.Errorf("wait for other keepers: %w", err)
		}
		if grown, err = k.load(ctx, tx); err != nil {
			return err
		}
		if k.options.Of == Readings {
			p, err = pageOfRegister(ctx, tx, grown.size(), until)
		} else {
			p, err = k.pageOfLog(ctx, tx, grown.size())
		}
		if err != nil {
			return err
		}
		return k.add(ctx, tx, grown, p.rows)
	})
	if err == nil && p.leapt {
		err = fmt.Errorf("after %d: %w", grown.size(), ErrLeapt)
	}
	return grown, p, err
}

// add adds rows to the tree and their leaves to the table.
func (k *Keeper) add(ctx context.Context, tx pgx.Tx, t *tree, rows []row) error {
	leaves := slices.Clone(t.last)
	for i, r := range rows {
		if want := t.size() + 1; r.position != want {
			return fmt.Errorf("position %d is missing: %w", want, ErrTampered)
		}
		chunk := int64(len(t.roots))
		leaves = append(leaves, r.leaf)
		if t.add(r.leaf); len(t.last) > 0 && i < len(rows)-1 {
			continue
		}
		const upsert = `insert into witness_leaves (tree, chunk, leaves) values ($1, $2, $3) on conflict (tree, chunk) do update set leaves = $3`
		if _, err := tx.Exec(ctx, upsert, string(k.options.Of), chunk, pack(leaves)); err != nil {
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
	const query = `select chunk, leaves from witness_leaves where tree = $1 and chunk >= $2 order by chunk`
	rows, err := tx.Query(ctx, query, string(k.options.Of), len(t.roots))
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
