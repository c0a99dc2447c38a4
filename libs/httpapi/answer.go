package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/songan-vn/songan/libs/httpapi/internal/exchange"
	"github.com/songan-vn/songan/libs/httpapi/lines"
	"github.com/songan-vn/songan/libs/httpapi/strict"
)

const (
	spoolLimit = 1 << 30  // bytes of verdicts of one stream that wait on the disk
	heldLimit  = 64 << 20 // the same of an array; those of all places together are no more than all spools may have
)

// outlet is the answer to a batch on its way out. Verdicts wait in a spool, and not in the memory that bodies share:
// whatever others take of that, what was stored is told.
type outlet struct {
	x       *exchange.Exchange
	spool   *lines.Spool
	pulse   *pulse
	drained chan error // nil until the answer is begun
}

func newOutlet(x *exchange.Exchange, limit int64) *outlet {
	return &outlet{x: x, spool: lines.NewSpool(limit, x.Server().Spool())}
}

// begin sends what waits in the spool, and what is put into it from now on.
func (o *outlet) begin(p *pulse) {
	o.pulse, o.drained = p, make(chan error, 1)
	go func() {
		err := o.spool.Drain(p.writing(o.x.W), func() error {
			if !o.x.W.Begun() { // no verdict yet: the status may still have to say what is wrong
				return nil
			}
			return p.flush()
		})
		if err != nil {
			p.interrupt(err)
		}
		o.drained <- err
	}()
}

// open begins the answer to an array. Its body has come to its end: that the server stops is no reason to break off.
func (o *outlet) open(with string) {
	o.x.W.Header().Set("Content-Type", exchange.MediaJSON)
	p := newPulse(http.NewResponseController(o.x.W), o.x.Server().Stall(), nil)
	_ = p.ended(io.EOF)
	o.x.Send([]byte(with))
	o.begin(p)
}

func (o *outlet) begun() bool { return o.drained != nil }

// end waits until everything is sent; err is why there is no more of it.
func (o *outlet) end(err error) error {
	o.spool.Close()
	if err := errors.Join(err, <-o.drained); err != nil {
		o.x.W.Header().Del("Trailer")
		return streamError(err)
	}
	return nil
}

// close lets go of what end has left.
func (o *outlet) close() {
	o.spool.Discard()
	if o.pulse != nil {
		o.pulse.end()
	}
}

// trailers says that the totals come after the verdicts.
func (o *outlet) trailers() {
	o.x.W.Header().Set("Trailer", headerAccepted+", "+headerRejected+", "+exchange.HeaderPosition)
}

// lines answers NDJSON with NDJSON while it is still coming in.
func (run *batchRun[B, A]) lines(ctx context.Context) error {
	if err := run.x.Enter(ctx); err != nil {
		return err
	}
	o := newOutlet(run.x, spoolLimit)
	defer o.close()
	run.x.W.Header().Set("Content-Type", mediaLines)
	o.trailers()
	o.begin(newPulse(http.NewResponseController(run.x.W), run.x.Server().Stall(), Stopping(ctx)))
	err := run.flow(ctx, run.fromLines(o.pulse), func(line []byte) error {
		_, err := o.spool.Write(line)
		return err
	})
	if err := o.end(err); err != nil {
		return err
	}
	run.total()
	if !run.x.W.Begun() { // no line at all
		run.x.W.WriteHeader(http.StatusOK)
	}
	return nil
}

// array answers a JSON array with one document. It is begun when all verdicts are there: then the totals come first,
// and the position is a header, because many clients cannot read trailers. Where there is no place for another verdict
// that nobody reads yet, it is begun at once, and the totals come last, as those of lines do. To refuse the request
// then would leave its client without a word about what was stored.
func (run *batchRun[B, A]) array(ctx context.Context) error {
	o := newOutlet(run.x, heldLimit)
	defer o.close()
	err := run.elements(ctx, func(line []byte) error {
		if !o.begun() {
			if put, err := o.spool.TryWrite(line); put || err != nil {
				return err
			}
			o.trailers()
			o.open(`{"items":[`)
		}
		_, err := o.spool.Write(line)
		return err
	})
	if o.begun() {
		if err := o.end(err); err != nil {
			return err
		}
		run.total()
		run.x.Send(fmt.Appendf(nil, `],"accepted":%d,"rejected":%d}`+"\n", run.accepted, run.rejected))
		return nil
	}
	if err != nil {
		return err
	}
	run.total()
	o.open(fmt.Sprintf(`{"accepted":%d,"rejected":%d,"items":[`, run.accepted, run.rejected))
	if err := o.end(nil); err != nil {
		return err
	}
	run.x.Send([]byte("]}\n"))
	return nil
}

// elements works on the elements of an array. It is read to its end before anything is done: what is too large or
// breaks off stores nothing. Its memory is free when the last element is done, and not only when the answer is read.
func (run *batchRun[B, A]) elements(ctx context.Context, emit func(line []byte) error) error {
	body := run.x.Server().Buffer()
	defer run.x.LetGo()
	defer run.x.Server().GiveBack(body)
	if err := run.x.ReadBody(body, run.Bytes); err != nil {
		return err
	}
	if err := run.x.Enter(ctx); err != nil {
		return err
	}
	elements, err := strict.Elements(body.Bytes(), run.Items)
	if err != nil {
		return err
	}
	first := true
	return run.flow(ctx, fromElements(run.x.Server(), elements), func(line []byte) error {
		if first {
			first = false
			return emit(bytes.TrimSuffix(line, []byte("\n")))
		}
		copy(line[1:], line) // over the end of the line: a comma before it takes its place
		line[0] = ','
		return emit(line)
	})
}

func fromElements(server *exchange.Server, elements []jsontext.Value) func() (item, error) {
	index := -1
	return func() (item, error) {
		if index++; index == len(elements) {
			return item{}, io.EOF
		}
		data := server.Buffer()
		data.Write(elements[index])
		return item{index: index, data: data}, nil
	}
}

// fromLines reads items from the body.
func (run *batchRun[B, A]) fromLines(p *pulse) func() (item, error) {
	reader := lines.NewReader(p.reading(run.x.R.Body), run.Line)
	index := -1
	return func() (item, error) {
		line, err := reader.Next()
		if errors.Is(err, lines.ErrTooLong) {
			index++
			return item{index: index, long: true}, nil
		}
		if err != nil {
			return item{}, p.ended(err)
		}
		index++
		data := run.x.Server().Buffer()
		data.Write(line)
		return item{index: index, data: data}, nil
	}
}
