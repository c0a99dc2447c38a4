package witness

import (
	"context"
	"slices"
	"sync"

	"go.uber.org/zap"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/pg"
)

// mostHeard is how many leaves may wait for their page: 4 MB of them, some seconds of a busy log.
const mostHeard = 1 << 16

// heard are the leaves of what this process has appended lately: the log has them, and need not be read for them. They are dense and
// of one session with the database, or a standby could take over between two of them.
type heard struct {
	mu      sync.Mutex
	rows    []row
	session int64
	deaf    bool   // it was full once: nothing is added before all rows are taken, or there would be a hole
	text    []byte // of one leaf after the other
}

// hear computes leaves as soon as there are facts.
func (h *heard) hear(facts []eventstore.Stored) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range facts {
		if !h.follows(f) {
			h.rows, h.session, h.deaf = h.rows[:0], f.Session, false
		}
		h.deaf = h.deaf || len(h.rows) == mostHeard
		if h.deaf {
			continue
		}
		e := entry{
			position: f.Position, stream: f.Stream, version: f.Version, name: f.Name, data: f.Data, meta: f.Written, recordedAt: f.RecordedAt,
		}
		h.text = e.appendText(h.text[:0], digest(e.meta))
		h.rows = append(h.rows, row{e.position, tlog.RecordHash(h.text), e.recordedAt})
	}
}

// follows tells whether a fact may stand behind what was heard.
func (h *heard) follows(f eventstore.Stored) bool {
	if len(h.rows) == 0 || f.Session != h.session {
		return false
	}
	return h.deaf || f.Position == h.rows[len(h.rows)-1].position+1
}

// take returns up to limit leaves after a position, if the very next one is there, and forgets those up to the position.
func (h *heard) take(after int64, limit int) []row {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.rows) == 0 {
		return nil
	}
	skip := after + 1 - h.rows[0].position
	if skip < 0 {
		return nil
	}
	h.rows = slices.Delete(h.rows, 0, int(min(skip, int64(len(h.rows)))))
	return slices.Clone(h.rows[:min(limit, len(h.rows))])
}

// forget forgets everything.
func (h *heard) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rows = h.rows[:0]
}

// pageOfLog returns a page of the log after a position: what was heard of it, and from the table what was not.
//
// The last leaf that was heard has to stand in the table. What one session has appended before it then does, too, unless somebody has
// been at the table, which Verify will find. If it does not stand there, a standby took over without the end of the log, or somebody
// has been at the last row as well: the table is what is witnessed, and the log says so.
func (k *Keeper) pageOfLog(ctx context.Context, db pg.Querier, after int64) (page, error) {
	rows := k.heard.take(after, pageSize)
	if len(rows) > 0 {
		last := rows[len(rows)-1]
		limit := pageSize - len(rows) + 1 // the last one once more, and what fills the page
		rest, err := facts(ctx, db, last.position-1, limit)
		if err != nil {
			return page{}, err
		}
		if len(rest) > 0 && rest[0].position == last.position && rest[0].leaf == last.leaf {
			return page{rows: append(rows, rest[1:]...), more: len(rest) == limit}, nil
		}
		k.options.Log.Warn("the log does not end as this process has written it: see the runbook", zap.Int64("position", last.position))
		k.heard.forget()
	}
	rows, err := facts(ctx, db, after, pageSize)
	return page{rows: rows, more: len(rows) == pageSize}, err
}
