package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
)

// single measures notices that are posted one per request, over 64 connections.
func single(ctx context.Context, l *system) ([]lab.Figure, error) {
	baseline, err := l.pgbench(ctx)
	if err != nil {
		return nil, err
	}
	used := l.Spent()
	done, err := l.load(ctx, l.duration())
	if err != nil {
		return nil, err
	}
	used = l.Spent() - used
	lag, err := l.catchUp(ctx, "the single notices")
	return []lab.Figure{
		lab.Rate("notices over HTTP, one per request, 64 connections : pgbench", done.perSecond(), baseline, "notices", 0.7),
		lab.Cost("CPU time of the system while it accepted one of them", used, done.notices), lag,
	}, err
}

// loaded is what was accepted in some time.
type loaded struct {
	notices int64
	took    time.Duration
}

func (l loaded) plus(more loaded) loaded { return loaded{l.notices + more.notices, l.took + more.took} }

func (l loaded) perSecond() float64 { return float64(l.notices) / l.took.Seconds() }

// load posts notices one per request, over 64 connections, for so long.
func (l *system) load(ctx context.Context, d time.Duration) (loaded, error) {
	var accepted atomic.Int64
	began := time.Now()
	faults := make([]error, lab.Connections)
	var clients sync.WaitGroup
	for i := range lab.Connections {
		clients.Go(func() { faults[i] = l.post(ctx, i, began.Add(d), &accepted) })
	}
	clients.Wait()
	return loaded{accepted.Load(), time.Since(began)}, errors.Join(faults...)
}

// post sends notices over one connection until the end. It writes requests as bytes, as pgbench and wrk do,
// because the load runs on the same cores as what it measures.
func (l *system) post(ctx context.Context, client int, end time.Time, accepted *atomic.Int64) error {
	address := strings.TrimPrefix(l.Demo.BaseURL, "http://")
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close() }() // every answer was read
	reader := bufio.NewReader(conn)
	run := "single-" + strconv.FormatInt(end.UnixNano(), 36) + "-" + strconv.Itoa(client)
	head := "POST /accommodation/v1/notices HTTP/1.1\r\nHost: " + address + "\r\nContent-Type: application/json\r\n" +
		"Authorization: Bearer " + l.Demo.Actors["hotel"].Token + "\r\nIdempotency-Key: "
	bodies := newStays(time.Now())
	var request, body []byte
	for n := 0; time.Now().Before(end); n++ {
		body = bodies.append(body[:0], n*lab.Connections+client)
		request = append(append(request[:0], head...), key(run, n)...)
		request = strconv.AppendInt(append(request, "\r\nContent-Length: "...), int64(len(body)), 10)
		request = append(append(request, "\r\n\r\n"...), body...)
		if _, err := conn.Write(request); err != nil {
			return fmt.Errorf("send: %w", err)
		}
		if err := created(reader); err != nil {
			return err
		}
		accepted.Add(1)
	}
	return nil
}

// created reads an answer and expects 201.
func created(r *bufio.Reader) error {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("read the status: %w", err)
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 201")) {
		return fmt.Errorf("a notice was answered with %q, not %d", bytes.TrimSpace(status), http.StatusCreated)
	}
	length := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("read the header: %w", err)
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			break
		}
		if value, found := bytes.CutPrefix(line, []byte("Content-Length: ")); found {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return fmt.Errorf("read the length: %w", err)
			}
		}
	}
	if length < 0 {
		return errors.New("the answer has no length")
	}
	if _, err := io.CopyN(io.Discard, r, int64(length)); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}
