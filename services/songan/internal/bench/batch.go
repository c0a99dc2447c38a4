package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
)

// batch measures notices in one NDJSON upload.
func batch(ctx context.Context, l *system) ([]lab.Figure, error) {
	baseline, err := l.pgbench(ctx)
	if err != nil {
		return nil, err
	}
	began, used := time.Now(), l.Spent()
	accepted, err := l.upload(ctx, func(n int) bool { return time.Since(began) < l.duration() }, nil)
	if err != nil {
		return nil, err
	}
	perSecond := float64(accepted) / time.Since(began).Seconds()
	used = l.Spent() - used
	lag, err := l.catchUp(ctx, "the batch")
	return []lab.Figure{
		lab.Rate("notices in an NDJSON batch : pgbench", perSecond, baseline, "notices", 2.0),
		lab.Cost("CPU time of the system while it accepted one of them", used, accepted), lag,
	}, err
}

// upload streams lines as long as more says so, reads the verdicts meanwhile, and returns how many were accepted.
// It is an error when one was not.
func (l *system) upload(ctx context.Context, more func(n int) bool, sent *atomic.Int64) (accepted int64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body, writer := io.Pipe()
	began := time.Now()
	go func() {
		buffered := bufio.NewWriterSize(writer, 256<<10)
		bodies := newStays(began)
		var line []byte
		for n := 0; more(n) && ctx.Err() == nil; n++ {
			line = append(bodies.append(line[:0], n), '\n')
			if _, err := buffered.Write(line); err != nil {
				break
			}
			if sent != nil {
				sent.Store(int64(n + 1))
			}
		}
		_ = writer.CloseWithError(buffered.Flush())
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.Demo.BaseURL+"/accommodation/v1/notices/batch", body)
	if err != nil {
		return 0, fmt.Errorf("build the request: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	request.Header.Set("Authorization", "Bearer "+l.Demo.Actors["hotel"].Token)
	request.Header.Set("Idempotency-Key", "batch-"+strconv.FormatInt(began.UnixNano(), 36))
	response, err := l.Client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("upload: %w", err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("the upload was answered with %d", response.StatusCode)
	}
	return verdicts(response.Body)
}

// verdicts counts the accepted lines.
func verdicts(r io.Reader) (accepted int64, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), 1<<20)
	for lines.Scan() {
		if !bytes.Contains(lines.Bytes(), []byte(`"status":201`)) {
			return accepted, fmt.Errorf("line %d was refused: %s", accepted, lines.Bytes())
		}
		accepted++
	}
	return accepted, lines.Err()
}
