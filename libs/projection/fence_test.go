package projection

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/events"
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
		w := &writer{pool: pool, projection: p, checkpoint: p.name, open: openLive}
		if err := w.load(t.Context()); err != nil {
			t.Fatal(err)
		}
		return w
	}
	log, topic := Place{Source: logSource}, Place{Source: "songan.desk.v1", Partition: 2}
	batch := func(after Progress) Batch { return Batch{Facts: []events.Recorded{{}}, After: after} }
	first, second := open(), open()
	write := func(w *writer, after Progress, want error) {
		t.Helper()
		if _, err := w.write(t.Context(), batch(after)); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	write(first, Progress{log: {Position: 10}}, nil)
	write(second, Progress{log: {Position: 10}}, errMoved)
	write(first, Progress{log: {Position: 20}, topic: {Position: 7, Offset: 3}}, nil)
	write(second, Progress{topic: {Position: 7, Offset: 3}}, errMoved)
	write(open(), Progress{topic: {Position: 9, Offset: 4}}, nil)
	write(first, Progress{log: {Position: 30}, topic: {Position: 9, Offset: 4}}, errMoved)
	if applied != 3 {
		t.Errorf("%d batches were applied, want 3", applied)
	}
	want := Progress{log: {Position: 20}, topic: {Position: 9, Offset: 4}}
	if diff := cmp.Diff(want, open().progress); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func TestHowFarOneReadModelIsBehindAnother(t *testing.T) {
	t.Parallel()
	log, topic := Place{Source: logSource}, Place{Source: "songan.desk.v1"}
	mine := Progress{log: {Position: 5}}
	cases := []struct {
		target Progress
		want   int64
	}{
		{Progress{}, 0},
		{Progress{log: {Position: 5}}, 0},
		{Progress{log: {Position: 3}}, 0},
		{Progress{log: {Position: 9}, topic: {Position: 2}}, 6},
	}
	for _, c := range cases {
		if got := mine.behind(c.target); got != c.want {
			t.Errorf("%v is %d behind %v, want %d", mine, got, c.target, c.want)
		}
	}
	if diff := cmp.Diff(Progress{log: {Position: 9}}, cases[3].target.only(map[string]bool{logSource: true})); diff != "" {
		t.Errorf("only the log (-want +got):\n%s", diff)
	}
}
