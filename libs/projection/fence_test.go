package projection

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/projection/internal/checkpoint"
	"github.com/songan-vn/songan/libs/projection/internal/feed"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestTheSlowerOfTwoWritersGivesUpBeforeItTouchesARow(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	if err := Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	applied := 0
	p := New("nothing_v1", "", func(context.Context, pgx.Tx, []events.Recorded) error { applied++; return nil })
	open := func() *writer {
		w := &writer{pool: pool, projection: p, name: p.name, open: openLive}
		if err := w.load(t.Context()); err != nil {
			t.Fatal(err)
		}
		return w
	}
	log, topic := checkpoint.Place{Source: checkpoint.OwnLog}, checkpoint.Place{Source: "songan.desk.v1", Partition: 2}
	batch := func(after checkpoint.Progress) feed.Batch {
		return feed.Batch{Facts: []events.Recorded{{}}, After: after}
	}
	first, second := open(), open()
	write := func(w *writer, after checkpoint.Progress, want error) {
		t.Helper()
		if _, err := w.write(t.Context(), batch(after)); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	write(first, checkpoint.Progress{log: {Position: 10}}, nil)
	write(second, checkpoint.Progress{log: {Position: 10}}, checkpoint.ErrMoved)
	write(first, checkpoint.Progress{log: {Position: 20}, topic: {Position: 7, Offset: 3}}, nil)
	write(second, checkpoint.Progress{topic: {Position: 7, Offset: 3}}, checkpoint.ErrMoved)
	write(open(), checkpoint.Progress{topic: {Position: 9, Offset: 4}}, nil)
	write(first, checkpoint.Progress{log: {Position: 30}, topic: {Position: 9, Offset: 4}}, checkpoint.ErrMoved)
	if applied != 3 {
		t.Errorf("%d batches were applied, want 3", applied)
	}
	want := checkpoint.Progress{log: {Position: 20}, topic: {Position: 9, Offset: 4}}
	if diff := cmp.Diff(want, open().progress); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}
