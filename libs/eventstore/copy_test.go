package eventstore_test

import (
	"fmt"
	"testing"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
)

// many is more commands than a batch has that is not copied.
const many = 200

func manyNew(prefix string) []eventstore.Append {
	all := make([]eventstore.Append, many)
	for i := range all {
		all[i] = of(fmt.Sprintf("%s-%d", prefix, i), 0, put{i}, noted{"Nguyễn \t\n\\N"})
	}
	return all
}

func TestALargeBatchIsTheSameInTheLogAsInItsAnswers(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	mustAppend(t, s, of("till", 0, put{1}))
	all := manyNew("till")
	results, err := s.AppendAll(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	answers := mustLoad(t, s, "till")
	for i, r := range results {
		if r.Err != nil {
			t.Fatalf("append %d: %v", i, r.Err)
		}
		answers = append(answers, r.Recorded...)
		same(t, all[i].Stream, r.Recorded, mustLoad(t, s, all[i].Stream))
	}
	same(t, "the log", answers, everything(t, s))
}

// What follows from streams that were read in this session is copied as well.
func TestManyCommandsThatGoOnAreStoredOnce(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	line := newLine(t, pool)
	s := open(t, line.pool(t, pool))
	if _, err := s.AppendAll(t.Context(), manyNew("till")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a command each, all at once; those of the first round read their streams
		errs := make(chan error, many)
		for i := range many {
			go func() { errs <- execute(t.Context(), s, fmt.Sprintf("till-%d", i), insert{[]int{7}}, "") }()
		}
		for range many {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range many {
		want := []events.Event{put{i}, noted{"Nguyễn \t\n\\N"}, put{7}, put{7}}
		same(t, "stream", want, said(mustLoad(t, s, fmt.Sprintf("till-%d", i))))
	}
}

func TestALargeBatchWhoseAnswerIsLostIsThereOnce(t *testing.T) {
	t.Parallel()
	const rounds = 6
	pool := fresh(t)
	line := newLine(t, pool)
	s := open(t, line.pool(t, pool))
	for round := range rounds {
		line.loseNext.Store(round%2 == 1)
		all := manyNew(fmt.Sprintf("till-%d", round))
		results, err := s.AppendAll(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if r.Err != nil {
				t.Fatalf("round %d, append %d: %v", round, i, r.Err)
			}
			same(t, "the answer and the log", mustLoad(t, s, all[i].Stream), r.Recorded)
		}
	}
	if lost := line.lost.Load(); lost != rounds/2 {
		t.Errorf("%d answers were lost, want %d: were the batches copied?", lost, rounds/2)
	}
	if facts := len(everything(t, s)); facts != 2*many*rounds {
		t.Errorf("the log has %d facts, want %d", facts, 2*many*rounds)
	}
}

func TestALargeBatchThatWasNotCommittedLeavesNothingUnknown(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	line := newLine(t, pool)
	s := open(t, line.pool(t, pool))
	mustAppend(t, s, of("first", 0, put{1}))
	line.coward.Store(true) // hangs up when the copy begins
	results, err := s.AppendAll(t.Context(), manyNew("till"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		storedNothing(t, r.Err)
	}
	if line.hungUp.Load() < 2 {
		t.Errorf("the line hung up %d times: the test has tested nothing", line.hungUp.Load())
	}
	line.coward.Store(false)
	if results, err = s.AppendAll(t.Context(), manyNew("till")); err != nil || results[many-1].Err != nil {
		t.Fatal(err, results[many-1].Err)
	}
	if facts := len(everything(t, s)); facts != 2*many+1 {
		t.Errorf("the log has %d facts, want %d", facts, 2*many+1)
	}
}

func TestALargeBatchWaitsForItsTurnAndGoesOnInTheSameSession(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s := open(t, hasty(t, pool))
	mustAppend(t, s, of("first", 0, put{1}))
	release := hold(t, pool)
	results, err := s.AppendAll(t.Context(), manyNew("till"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		storedNothing(t, r.Err)
	}
	release()
	if results, err = s.AppendAll(t.Context(), manyNew("till")); err != nil || results[many-1].Err != nil {
		t.Fatal(err, results[many-1].Err)
	}
	same(t, "last", []events.Event{put{many - 1}, noted{"Nguyễn \t\n\\N"}}, said(mustLoad(t, s, fmt.Sprintf("till-%d", many-1))))
}
