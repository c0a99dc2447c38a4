package lines_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/songan-vn/songan/libs/httpapi/lines"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func readAll(from io.Reader, limit int) (got []string, err error) {
	r := lines.NewReader(from, limit)
	for {
		line, err := r.Next()
		switch {
		case errors.Is(err, lines.ErrTooLong):
			got = append(got, "(too long)")
		case err != nil:
			return got, err
		default:
			got = append(got, string(line))
		}
	}
}

func TestLinesAreReadOneByOneWhateverTheirEnds(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200_000) // longer than the buffer of the reader
	tests := []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"blank lines only", "\n\r\n  \n", nil},
		{"line feeds", "a\nb\n", []string{"a", "b"}},
		{"carriage returns", "a\r\nb\r\n", []string{"a", "b"}},
		{"no end at the end", "a\nb", []string{"a", "b"}},
		{"blank lines between", "a\n\n\nb\n", []string{"a", "b"}},
		{"a byte order mark", lines.ByteOrderMark + "12345678\n" + lines.ByteOrderMark + "b\n", []string{"12345678", lines.ByteOrderMark + "b"}},
		{"a byte order mark alone", lines.ByteOrderMark, nil},
		{"a byte order mark on a blank line", lines.ByteOrderMark + "\r\na", []string{"a"}},
		{"exactly the limit", "12345678\r\n12345678\n", []string{"12345678", "12345678"}},
		{"one over the limit", "123456789\nb\n", []string{"(too long)", "b"}},
		{"far over the limit", "a\n" + long + "\nb\n", []string{"a", "(too long)", "b"}},
		{"far over the limit at the end", "a\n" + long, []string{"a", "(too long)"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for name, in := range map[string]io.Reader{
				"at once": strings.NewReader(test.in), "byte by byte": iotest.OneByteReader(strings.NewReader(test.in)),
			} {
				got, err := readAll(in, 8)
				if !errors.Is(err, io.EOF) {
					t.Errorf("%s: %v", name, err)
				}
				if d := cmp.Diff(test.want, got); d != "" {
					t.Errorf("%s: %s", name, d)
				}
			}
		})
	}
}

func TestALineLongerThanTheBufferIsReadIfTheLimitAllows(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200_000)
	got, err := readAll(strings.NewReader(long+"\nb\n"), 300_000)
	if !errors.Is(err, io.EOF) || len(got) != 2 || got[0] != long {
		t.Errorf("%d lines, %v", len(got), err)
	}
}

func TestALineWithoutEndIsGivenUp(t *testing.T) {
	t.Parallel()
	_, err := readAll(endless{}, 8)
	if !errors.Is(err, io.ErrNoProgress) {
		t.Error(err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestABrokenStreamIsAnErrorNotAnEnd(t *testing.T) {
	t.Parallel()
	got, err := readAll(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(errBroken)), 8)
	if !errors.Is(err, errBroken) || len(got) != 1 {
		t.Errorf("%q, %v", got, err)
	}
}

var errBroken = errors.New("broken")

// FuzzReader: no line is over the limit, none is lost, whatever the chunks.
func FuzzReader(f *testing.F) {
	f.Add([]byte("a\r\nbb\n\nccccccccccc\nd"), uint8(3))
	f.Add([]byte("\n\n\r\n"), uint8(0))
	f.Add(bytes.Repeat([]byte("z"), 70_000), uint8(200))
	f.Fuzz(func(t *testing.T, data []byte, limit uint8) {
		got, err := readAll(bytes.NewReader(data), int(limit))
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		var want []string
		for part := range bytes.SplitSeq(bytes.TrimPrefix(data, []byte(lines.ByteOrderMark)), []byte("\n")) {
			line := strings.TrimSuffix(string(part), "\r")
			switch {
			case len(line) > int(limit):
				want = append(want, "(too long)")
			case len(bytes.TrimSpace(part)) > 0:
				want = append(want, line)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%q: %s", data, d)
		}
	})
}

// upTo counts to n.
func upTo(n int) func() (int, error) {
	i := 0
	return func() (int, error) {
		if i == n {
			return 0, io.EOF
		}
		i++
		return i, nil
	}
}

func TestResultsComeInTheOrderOfTheirItems(t *testing.T) {
	t.Parallel()
	var at, most, underWay, mostUnderWay atomic.Int64
	enter := func(at, most *atomic.Int64) {
		now := at.Add(1)
		for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			continue
		}
	}
	var got []string
	err := lines.Ordered(t.Context(), lines.Flow[int, string]{
		Width: 8, Hands: 3,
		Next: upTo(10_000),
		Begin: func(_ context.Context, i int) func() string {
			enter(&underWay, &mostUnderWay)
			enter(&at, &most)
			for range i % 7 {
				runtime.Gosched()
			}
			at.Add(-1)
			return func() string {
				underWay.Add(-1)
				return fmt.Sprint(i)
			}
		},
		Emit: func(s string) error { got = append(got, s); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range got {
		if s != fmt.Sprint(i+1) {
			t.Fatalf("%s at place %d", s, i)
		}
	}
	// Beside those that wait in order, one is in the hands of whoever takes its result.
	if len(got) != 10_000 || most.Load() > 3 || mostUnderWay.Load() > 9 || mostUnderWay.Load() <= 3 || underWay.Load() != 0 {
		t.Errorf("%d results, %d begun and %d under way at the same time, %d never ended", len(got), most.Load(), mostUnderWay.Load(), underWay.Load())
	}
}

func TestNoMoreIsTakenInThanIsHandedOn(t *testing.T) {
	t.Parallel()
	const width = 4
	var taken, emitted atomic.Int64
	next := upTo(1000)
	err := lines.Ordered(t.Context(), lines.Flow[int, int]{
		Width: width, Hands: width,
		Next: func() (int, error) {
			// Beside those in the queue, one is in the hands of whoever emits, and one in those of whoever takes.
			if ahead := taken.Add(1) - emitted.Load(); ahead > 2*width+2 {
				return 0, fmt.Errorf("%d ahead", ahead)
			}
			return next()
		},
		Begin: func(_ context.Context, i int) func() int { return func() int { return i } },
		Emit:  func(int) error { emitted.Add(1); return nil },
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAFlowEndsWithTheFirstErrorAndLeavesNobodyBehind(t *testing.T) {
	t.Parallel()
	t.Run("of the source", func(t *testing.T) {
		t.Parallel()
		n := 0
		err := lines.Ordered(t.Context(), lines.Flow[int, int]{
			Width: 3, Hands: 3,
			Next: func() (int, error) {
				if n++; n > 10 {
					return 0, errBroken
				}
				return n, nil
			},
			Begin: func(_ context.Context, i int) func() int { return func() int { return i } },
			Emit:  func(int) error { return nil },
		})
		if !errors.Is(err, errBroken) {
			t.Error(err)
		}
	})
	t.Run("of the sink", func(t *testing.T) {
		t.Parallel()
		emits := 0
		err := lines.Ordered(t.Context(), lines.Flow[int, int]{
			Width: 3, Hands: 3,
			Next:  upTo(1_000_000),
			Begin: func(_ context.Context, i int) func() int { return func() int { return i } },
			Emit: func(int) error {
				emits++
				return errBroken
			},
		})
		if !errors.Is(err, errBroken) || emits != 1 {
			t.Error(err, emits)
		}
	})
	t.Run("of the context", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		i := 0
		err := lines.Ordered(ctx, lines.Flow[int, int]{
			Width: 3, Hands: 3,
			Next: func() (int, error) {
				if i++; i == 20 {
					cancel()
				}
				return i, nil
			},
			Begin: func(_ context.Context, i int) func() int { return func() int { return i } },
			Emit:  func(int) error { return nil },
		})
		if !errors.Is(err, context.Canceled) || i > 40 {
			t.Error(err, i)
		}
	})
}

func TestASpoolHandsOnEverythingInOrderEvenToOneWhoComesLate(t *testing.T) {
	t.Parallel()
	s := lines.NewSpool(1<<30, nil)
	var want, got bytes.Buffer
	for i := range 100_000 { // some megabytes: most of it goes through the file
		line := fmt.Sprintf("line %d\n", i)
		want.WriteString(line)
		if _, err := s.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if s.Spooled() == 0 {
		t.Error("nothing went to the file")
	}
	s.Close()
	if err := s.Drain(func(b []byte) error { got.Write(b); return nil }, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want.Bytes(), got.Bytes()) {
		t.Errorf("%d bytes went in, %d others came out", want.Len(), got.Len())
	}
}

func TestWhatIsWrittenLaterComesLater(t *testing.T) {
	t.Parallel()
	s := lines.NewSpool(1<<20, nil)
	line := bytes.Repeat([]byte("x"), 100<<10)
	for range 5 { // two of them find a place in memory
		if _, err := s.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	var got bytes.Buffer
	first := true
	err := s.Drain(func(b []byte) error {
		got.Write(b)
		if !first {
			return nil
		}
		first = false // memory is empty now, and the file is not
		_, err := s.Write([]byte("last"))
		s.Close()
		return err
	}, func() error { return nil })
	if err != nil || got.Len() != 500<<10+4 || !bytes.HasSuffix(got.Bytes(), []byte("xlast")) {
		t.Error(got.Len(), err)
	}
}

func TestASpoolHandsOnWhileItIsWritten(t *testing.T) {
	t.Parallel()
	s := lines.NewSpool(1<<20, nil)
	var want, got bytes.Buffer
	drained := make(chan error, 1)
	idled := make(chan struct{}, 1)
	go func() {
		drained <- s.Drain(func(b []byte) error { got.Write(b); return nil }, func() error {
			select {
			case idled <- struct{}{}:
			default:
			}
			return nil
		})
	}()
	<-idled // somebody waits for the first line
	for i := range 100_000 {
		line := fmt.Sprintf("line %d\n", i)
		want.WriteString(line)
		if _, err := s.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	if err := <-drained; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want.Bytes(), got.Bytes()) {
		t.Errorf("%d bytes went in, %d others came out", want.Len(), got.Len())
	}
	if _, err := s.Write([]byte("late")); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

func TestAFullSpoolLetsTheWriterWait(t *testing.T) {
	t.Parallel()
	s := lines.NewSpool(100_000, nil)
	written := make(chan int, 1)
	var total atomic.Int64
	go func() {
		n := 0
		for range 100 {
			m, err := s.Write(make([]byte, 10_000))
			if err != nil {
				break
			}
			n += m
			total.Add(int64(m))
		}
		written <- n
	}()
	testkit.Eventually(t, func() error {
		if s.Spooled() < 90_000 {
			return errors.New("not full yet")
		}
		return nil
	})
	if n := total.Load(); n > 256<<10+100_000 {
		t.Errorf("%d bytes stand in a spool for fewer", n)
	}
	s.Close()
	if err := s.Drain(func([]byte) error { return nil }, func() error { return nil }); err != nil {
		t.Error(err)
	}
	<-written
}

func TestWhoHasNoReceiverYetIsToldThatASpoolIsFull(t *testing.T) {
	t.Parallel()
	budget := lines.NewBudget(1 << 20)
	s := lines.NewSpool(100_000, budget)
	put := 0
	for fits := true; fits; put++ {
		var err error
		if fits, err = s.TryWrite(make([]byte, 10_000)); err != nil {
			t.Fatal(err)
		}
	}
	if put--; put != 26+10 || s.Spooled() != 100_000 {
		t.Errorf("%d were put, %d bytes into the file", put, s.Spooled())
	}
	s.Discard()
	s.Discard()
	if _, err := s.TryWrite(nil); !errors.Is(err, io.ErrClosedPipe) || budget.Used() != 0 {
		t.Error(err, budget.Used())
	}
}

func TestSpoolsShareOneBudgetAndEachGoesOnByItself(t *testing.T) {
	t.Parallel()
	const mebi = 1 << 20
	budget := lines.NewBudget(mebi)
	greedy, modest := lines.NewSpool(10*mebi, budget), lines.NewSpool(10*mebi, budget)
	line := make([]byte, 64<<10)
	for range 20 { // four in memory, sixteen in the file
		if _, err := greedy.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if budget.Used() != mebi {
		t.Fatal(budget.Used())
	}
	var got atomic.Int64
	written := make(chan error, 1)
	go func() {
		for range 100 { // there is no disk for it: it waits for its own receiver, not for the greedy one's
			if _, err := modest.Write(line); err != nil {
				written <- err
				return
			}
		}
		modest.Close()
		written <- nil
	}()
	take := func(b []byte) error { got.Add(int64(len(b))); return nil }
	idle := func() error { return nil }
	if err := errors.Join(modest.Drain(take, idle), <-written); err != nil || got.Load() != 100*int64(len(line)) || modest.Spooled() != 0 {
		t.Error(got.Load(), modest.Spooled(), err)
	}
	if err := greedy.Drain(func([]byte) error { return errBroken }, idle); !errors.Is(err, errBroken) || budget.Used() != 0 {
		t.Errorf("%d bytes are still taken: %v", budget.Used(), err)
	}
}

func TestAReceiverWhoFailsEndsTheSpool(t *testing.T) {
	t.Parallel()
	s := lines.NewSpool(1<<20, nil)
	if _, err := s.Write([]byte("a")); err != nil {
		t.Fatal(err)
	}
	if err := s.Drain(func([]byte) error { return errBroken }, func() error { return nil }); !errors.Is(err, errBroken) {
		t.Error(err)
	}
	if _, err := s.Write([]byte("b")); !errors.Is(err, errBroken) {
		t.Error(err)
	}
}

func TestWithoutADiskASpoolIsAsLongAsItsMemory(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/none")
	s := lines.NewSpool(1<<20, nil)
	drained := make(chan int, 1)
	n := 0
	go func() {
		_ = s.Drain(func(b []byte) error { n += len(b); return nil }, func() error { return nil })
		drained <- n
	}()
	for range 1000 {
		if _, err := s.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	if got := <-drained; got != 1_000_000 {
		t.Error(got)
	}
}
