// Package projection keeps read models: tables that are computed from facts and thrown away without regret.
//
//  1. A read model is a function of the log. Nothing else is written into it, so it can always be built again.
//  2. A batch of facts and the checkpoint behind it are one transaction. A crash between the two is not possible,
//     a repeat neither. Rows that were made of a source which is not followed any more are not gone on with, but built again.
//  3. One process at a time writes a read model ([Runner] leads it); should two do it all the same,
//     the checkpoint of the slower one no longer fits and its batch is rolled back.
//  4. A fact that cannot be applied stops its projection, loudly, and is tried again for ever. It is never skipped.
//  5. A read model is never migrated. A changed one has the next version in its name: "stays_v2" is built in tables
//     of its own beside "stays_v1", and the view "stays" shows the old until the new has overtaken it.
//  6. Queries read the view, name their columns, and wait with [Model.WaitFor] when they have to see a certain fact.
//  7. The same version is built again by [Model.Rebuild] in a schema aside, with events still coming, and swapped
//     in by one transaction. For that, the database role of the service may create schemas. Reactions do not exist
//     here: building again never causes an effect anywhere else.
//
// Most read models are a [Table]: one row per key, folded from facts by a pure function.
package projection

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/pace"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/projection/internal/feed"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate creates the tables of checkpoints and of served versions.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("open projection migrations: %w", err)
	}
	if err := pg.Migrate(ctx, pool, "projection", files); err != nil {
		return fmt.Errorf("migrate projections: %w", err)
	}
	return nil
}

// Apply writes what a batch of facts means into the read model, inside the transaction that also moves the
// checkpoint. It names its tables without a schema: a rebuild directs the same statements elsewhere.
type Apply func(ctx context.Context, tx pgx.Tx, batch []events.Recorded) error

// Projection defines a read model: a versioned name, its tables, and how facts change them.
type Projection struct {
	name    string
	ddl     string
	apply   Apply
	prepare func(ctx context.Context, tx pgx.Tx) error
	// of are the facts that concern it; nil when any may.
	of map[string]bool
	// keyed says that apply finds rows by their primary key alone. A rebuild then makes all other indexes at its end.
	keyed bool
}

// New defines a read model with an Apply of its own; see [Table] for the usual kind. The name and the name
// of every table that ddl creates end in the same version: "stays_v1", "stays_by_day_v1". The ddl may be run
// many times ("create table if not exists ...").
func New(name, ddl string, apply Apply) *Projection {
	return &Projection{name: name, ddl: ddl, apply: apply, prepare: func(context.Context, pgx.Tx) error { return nil }}
}

// Of says that a projection is about these facts and no others. The own log hands out no others, nor does a topic whose source was
// made with [Projection.Wants]: a fact that is left out here by mistake is lost to the read model.
func (p *Projection) Of(facts ...events.Event) *Projection {
	p.of = make(map[string]bool, len(facts))
	for _, fact := range facts {
		p.of[fact.EventName()] = true
	}
	return p
}

// Wants tells, for stored names, whether their facts may concern the projection.
func (p *Projection) Wants(catalog events.Catalog) map[string]bool {
	return catalog.Stored(func(name string) bool { return p.of == nil || p.of[name] })
}

// Name is the versioned name, "stays_v1".
func (p *Projection) Name() string { return p.name }

// Feed is where the facts of a read model come from: [FromLog] or [FromTopic].
type Feed = feed.Feed

// FromLog feeds a projection from the log of its own service.
func FromLog(store *eventstore.Store) Feed { return feed.FromLog(store) }

// FromTopic feeds a projection from the facts of another service. topic is the name under which the checkpoint
// keeps its place, and has to be the one that source reads.
func FromTopic(topic string, source *kafkabus.Source) Feed { return feed.FromTopic(topic, source) }

// Patient makes a feed stand still while bulk work is under way that people wait for; see package pace. Whoever waits with
// [Model.WaitFor] ends that.
func Patient(f Feed, p *pace.Pace) Feed { return feed.Patient(f, p) }

// nameLimit leaves room for what is put around a name: PostgreSQL cuts identifiers off at 63 bytes.
const nameLimit = 40

// A regular expression is the only kind of package variable here: it is a constant that Go cannot declare.
var versioned = regexp.MustCompile(`^([a-z][a-z0-9_]*)_v([1-9][0-9]{0,3})$`)

// version splits "stays_v1" into the name that is served, "stays", and the version, 1.
func version(name string) (base string, number int, err error) {
	parts := versioned.FindStringSubmatch(name)
	if parts == nil || len(name) > nameLimit {
		return "", 0, fmt.Errorf("name %q is not lower case with a version, like stays_v1, of at most %d letters", name, nameLimit)
	}
	number, err = strconv.Atoi(parts[2])
	if err != nil {
		return "", 0, fmt.Errorf("version of %s: %w", name, err)
	}
	return parts[1], number, nil
}
