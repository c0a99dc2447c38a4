// Package board shows how far something is that takes a while: bars on a terminal, and a line now and then where there
// is none, so that a log stays readable.
package board

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

// Board is a set of gauges. Add all of them, start it, and end it.
type Board struct {
	out    io.Writer
	bars   *mpb.Progress // nil where there is no terminal
	gauges []*Gauge
	clock  func() string
	hands  *mpb.Bar // the clock as a bar that is never full

	stop context.CancelFunc
	done sync.WaitGroup
}

// Where says where a gauge is shown.
type Where uint8

// The places of a gauge. A line has no room for the parts of something, and bars need not show a whole whose parts
// they show.
const (
	Everywhere Where = iota
	InBars
	InLines
)

// Gauge is how much of something is done.
type Gauge struct {
	name  string
	where Where
	total int64
	have  atomic.Int64
	bar   *mpb.Bar
}

// onTerminal tells whether bars can be drawn. A terminal that does not know its width draws none.
func onTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok || !cwriter.IsTerminal(int(f.Fd())) {
		return false
	}
	width, _, err := cwriter.GetSize(int(f.Fd()))
	return err == nil && width > 0
}

// New returns a board without gauges. Lines begin with what the clock shows.
func New(out io.Writer, clock func() string) *Board {
	b := &Board{out: out, clock: clock}
	if onTerminal(out) {
		b.bars = mpb.New(mpb.WithOutput(out), mpb.WithWidth(64))
		b.hands = b.bars.New(0, mpb.NopStyle(), mpb.PrependDecorators(
			decor.Any(func(decor.Statistics) string { return "  " + clock() }),
		))
	}
	return b
}

// Gauge adds a gauge that is full at total. One that is full from the start is not shown.
func (b *Board) Gauge(name string, total int, shown Where) *Gauge {
	g := &Gauge{name: name, where: shown, total: int64(total)}
	b.gauges = append(b.gauges, g)
	if b.bars == nil || shown == InLines || total == 0 {
		return g
	}
	g.bar = b.bars.AddBar(int64(total),
		mpb.PrependDecorators(decor.Name(fmt.Sprintf("  %-20s", name))),
		mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string {
			return fmt.Sprintf(" %s of %s", Grouped(s.Current), Grouped(s.Total))
		})),
	)
	return g
}

// Add counts n more as done.
func (g *Gauge) Add(n int64) { g.show(g.have.Add(n)) }

// Set says how many are done. A bar does not move back when something is undone.
func (g *Gauge) Set(n int64) {
	g.have.Store(n)
	g.show(n)
}

func (g *Gauge) show(n int64) {
	if n = min(n, g.total); g.bar != nil && n > g.bar.Current() {
		g.bar.SetCurrent(n)
	}
}

// linesEvery is how often a line is written where there are no bars.
const linesEvery = 5 * time.Second

// Start begins to show; ctx ends the lines.
func (b *Board) Start(ctx context.Context) {
	ctx, b.stop = context.WithCancel(ctx)
	if b.bars != nil {
		return
	}
	b.done.Go(func() {
		ticks := time.NewTicker(linesEvery)
		defer ticks.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
				fmt.Fprintln(b.out, b.line())
			}
		}
	})
}

// line is the whole board in one line.
func (b *Board) line() string {
	parts := make([]string, 0, len(b.gauges))
	for _, g := range b.gauges {
		if g.where != InBars && g.total > 0 {
			parts = append(parts, fmt.Sprintf("%s %s of %s", g.name, Grouped(min(g.have.Load(), g.total)), Grouped(g.total)))
		}
	}
	return "  " + b.clock() + "  " + strings.Join(parts, ", ")
}

// End stops showing, and returns when nothing more is written. Bars that are not full stay as they are.
func (b *Board) End() {
	b.stop()
	b.done.Wait()
	if b.bars == nil {
		fmt.Fprintln(b.out, b.line())
		return
	}
	for _, g := range b.gauges {
		if g.bar != nil {
			g.bar.Abort(false) // a full bar does not mind
		}
	}
	b.hands.Abort(false)
	b.bars.Wait()
}

// Grouped writes 12,345.
func Grouped[N int | int64](n N) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
