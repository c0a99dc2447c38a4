package consume_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/kafkabus/internal/consume"
	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

func TestProgressIsKeptPerConsumerTopicAndPartition(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	if err := kafkabus.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	mine, other := consume.NewPositions(pool, "mine"), consume.NewPositions(pool, "other")
	save := func(p *consume.Positions, topic string, progress map[int]tail.Progress) {
		t.Helper()
		if err := consume.Save(t.Context(), p, topic, progress); err != nil {
			t.Fatal(err)
		}
	}
	save(mine, "a", map[int]tail.Progress{0: {Offset: 5, Sequence: 50}, 2: {Offset: 7, Sequence: 70}})
	save(mine, "b", map[int]tail.Progress{0: {Offset: 1, Sequence: 10}})
	save(other, "a", map[int]tail.Progress{0: {Offset: 9, Sequence: 90}})
	got, err := consume.Load(t.Context(), mine, "a", []int{0, 1, 2})
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]tail.Progress{0: {Offset: 5, Sequence: 50}, 2: {Offset: 7, Sequence: 70}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func TestProgressNeverMovesBack(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	if err := kafkabus.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	p := consume.NewPositions(pool, "mine")
	for _, step := range []struct{ save, want tail.Progress }{
		{tail.Progress{Offset: 5, Sequence: 50}, tail.Progress{Offset: 5, Sequence: 50}},
		{tail.Progress{Offset: 4, Sequence: 40}, tail.Progress{Offset: 5, Sequence: 50}}, // of one who lost the partition
		{tail.Progress{Offset: 9, Sequence: 40}, tail.Progress{Offset: 5, Sequence: 50}},
		{tail.Progress{Offset: 6, Sequence: 50}, tail.Progress{Offset: 6, Sequence: 50}},
		{tail.Progress{Offset: 1, Sequence: 60}, tail.Progress{Offset: 1, Sequence: 60}}, // in a topic made anew
	} {
		if err := consume.Save(t.Context(), p, "a", map[int]tail.Progress{0: step.save}); err != nil {
			t.Fatal(err)
		}
		got, err := consume.Load(t.Context(), p, "a", []int{0})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[int]tail.Progress{0: step.want}, got); diff != "" {
			t.Errorf("after %+v (-want +got):\n%s", step.save, diff)
		}
	}
}

func TestWithoutATableProgressSaysWhatWasTried(t *testing.T) {
	t.Parallel()
	p := consume.NewPositions(testkit.Postgres(t), "mine")
	_, loading := consume.Load(context.Background(), p, "a", []int{0})
	saving := consume.Save(context.Background(), p, "a", map[int]tail.Progress{0: {Offset: 1}})
	if loading == nil || saving == nil ||
		!strings.HasPrefix(loading.Error(), "load progress of a: ") || !strings.HasPrefix(saving.Error(), "save progress of a: ") {
		t.Error(loading, saving)
	}
}
