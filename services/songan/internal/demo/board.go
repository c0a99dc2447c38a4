package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"
)

// board shows how far the evening is: bars on a terminal, a line now and then everywhere else.
type board struct {
	out    io.Writer
	bars   *mpb.Progress // nil where there is no terminal
	gauges []*gauge
	// clock is what the lobby's clock shows.
	clock func() string

	stop context.CancelFunc
	done sync.WaitGroup
}

// gauge is how much of something is done.
type gauge struct {
	name  string
	total int64
	have  atomic.Int64
	bar   *mpb.Bar
}

func onTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && cwriter.IsTerminal(int(f.Fd()))
}

func newBoard(out io.Writer, clock func() string) *board {
	b := &board{out: out, clock: clock}
	if onTerminal(out) {
		b.bars = mpb.New(mpb.WithOutput(out), mpb.WithWidth(64))
	}
	return b
}

// gauge adds a bar. All are added before start.
func (b *board) gauge(name string, total int) *gauge {
	g := &gauge{name: name, total: int64(total)}
	b.gauges = append(b.gauges, g)
	if b.bars == nil || total == 0 {
		return g
	}
	g.bar = b.bars.AddBar(int64(total),
		mpb.PrependDecorators(decor.Name(fmt.Sprintf("  %-20s", name))),
		mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string {
			return fmt.Sprintf(" %s of %s", grouped(s.Current), grouped(s.Total))
		})),
	)
	return g
}

// add counts n more as done.
func (g *gauge) add(n int64) { g.set(g.have.Add(n)) }

// set says how many are done. What was undone since (a stay that is cancelled) does not move a bar back.
func (g *gauge) set(n int64) {
	n = min(n, g.total)
	g.have.Store(n)
	if g.bar != nil && n > g.bar.Current() {
		g.bar.SetCurrent(n)
	}
}

// linesEvery is how often a line is written where there are no bars.
const linesEvery = 5 * time.Second

// start begins to show.
func (b *board) start(ctx context.Context) {
	ctx, b.stop = context.WithCancel(ctx)
	if b.bars != nil {
		return
	}
	b.done.Go(func() {
		for wait(ctx, linesEvery) == nil {
			fmt.Fprintln(b.out, b.line())
		}
	})
}

// line is the whole board in one line.
func (b *board) line() string {
	parts := make([]string, 0, len(b.gauges))
	for _, g := range b.gauges {
		if g.total > 0 {
			parts = append(parts, fmt.Sprintf("%s %s/%s", g.name, grouped(g.have.Load()), grouped(g.total)))
		}
	}
	return "  " + b.clock() + "  " + strings.Join(parts, ", ")
}

// end stops showing. Bars that are not full stay as they are.
func (b *board) end() {
	b.stop()
	b.done.Wait()
	if b.bars == nil {
		fmt.Fprintln(b.out, b.line())
		return
	}
	for _, g := range b.gauges {
		if g.bar != nil && !g.bar.Completed() {
			g.bar.Abort(false)
		}
	}
	b.bars.Wait()
}

// grouped writes 12,345.
func grouped[N int | int64](n N) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
