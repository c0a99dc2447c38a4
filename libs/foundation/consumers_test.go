package foundation_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/libs/testkit"
)

// tolled is a fact of the chapel, which has a bell of its own.
type tolled struct{ Bell string }

func (tolled) EventName() string { return "chapel.tolled.v1" }

// belled are the bells of both services.
func belled() *projection.Projection {
	return projection.New("bells_v1", `create table if not exists bells_v1 (bell text primary key)`,
		func(ctx context.Context, tx pgx.Tx, batch []events.Recorded) error {
			for _, r := range batch {
				if _, err := tx.Exec(ctx, `insert into bells_v1 values ($1) on conflict do nothing`, fmt.Sprint(r.Event)); err != nil {
					return err
				}
			}
			return nil
		})
}

func TestAReadModelMayReadItsOwnFactsAndThoseOfOthers(t *testing.T) {
	t.Parallel()
	d := deps(t)
	other := d
	other.Config.DatabaseURL = testkit.PostgresURL(t)
	other.DatabaseURL, other.Config.Data = other.Config.DatabaseURL, t.TempDir()
	facts := events.NewCatalog([]events.Event{rung{}, tolled{}})
	chapel, err := foundation.Open(t.Context(), other.For("chapel"), foundation.Options{Service: "chapel", Own: facts, Others: facts})
	if err != nil {
		t.Fatal(err)
	}
	run(t, chapel)
	tower, err := foundation.Open(t.Context(), d, foundation.Options{Service: "tower", Own: facts, Others: facts})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tower.ProjectWith(t.Context(), belled(), "chapel"); err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 1)
	err = tower.ReactTo("echo", foundation.Reading{Topics: []string{tower.Topic("tower")}, Catalog: facts},
		reaction.On(func(_ context.Context, _ events.Recorded, e rung) error { heard <- e.Bell; return nil }))
	if err != nil {
		t.Fatal(err)
	}
	run(t, tower)
	for _, a := range []struct {
		to   *foundation.Foundation
		fact events.Event
	}{{tower, rung{"big"}}, {chapel, tolled{"small"}}} {
		if _, err := a.to.Log.Append(t.Context(), eventstore.Append{Stream: "bell-1", Facts: []events.Event{a.fact}}); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Eventually(t, func() error {
		rows, err := tower.Pool.Query(t.Context(), `select bell from bells order by bell`)
		if err != nil {
			return err
		}
		bells, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || !slices.Equal(bells, []string{"{big}", "{small}"}) {
			return fmt.Errorf("bells %v: %w", bells, err)
		}
		return nil
	})
	if bell := <-heard; bell != "big" {
		t.Fatalf("heard %s", bell)
	}
}
