package witness

import (
	"context"
	"fmt"
	"math"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/songan-vn/songan/libs/pg"
)

// Finding is one place where a log is not what it was.
type Finding struct {
	// Kind is changed (a row differs from its leaf), removed (its position is empty), inserted (a row that no leaf knows,
	// below the last checkpoint, or one behind it that does not follow on the row before, or whose number was never given
	// out), cut (the log ends before the last checkpoint), forged (what stands in the leaves is not what a checkpoint
	// signed; only the first is named), foreign (a checkpoint of another log) or unsigned (no checkpoint at all, position 0,
	// or a row that has waited for one for more than a minute; only the first is named).
	Kind string `json:"kind"`
	// Position of the row; for forged, the first position that no earlier checkpoint vouches for.
	Position int64 `json:"position"`
	// Checkpoint is the size of the checkpoint that says so; 0 when it is the leaf.
	Checkpoint int64 `json:"checkpoint,omitempty"`
}

// Report is what [Verify] found.
type Report struct {
	// Rows were read, Checkpoints compared; Signed is up to which position the last of these vouches.
	Rows        int64     `json:"rows"`
	Checkpoints int       `json:"checkpoints"`
	Signed      int64     `json:"signed"`
	Findings    []Finding `json:"findings"`
}

// mostFindings bounds a report: whoever replaced a whole log need not fill the memory too.
const mostFindings = 10_000

// Verify reads a whole log and compares it with its leaves and with the checkpoints, which come from outside the
// database, in any order, their signatures checked already. db should be one transaction (repeatable read) when the log
// is in use.
func Verify(ctx context.Context, db pg.Querier, origin string, checkpoints []Checkpoint) (Report, error) {
	return Facts.Verify(ctx, db, origin, checkpoints)
}

// Verify is [Verify] of what the source holds.
func (s Source) Verify(ctx context.Context, db pg.Querier, origin string, checkpoints []Checkpoint) (Report, error) {
	v := verification{of: s, leaves: map[int64][]tlog.Hash{}, due: map[int64][]Checkpoint{}, db: db}
	v.expect(origin, checkpoints)
	if err := v.look(ctx); err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	for after := int64(math.MinInt64); ; {
		rows, err := s.rows(ctx, db, after)
		if err != nil {
			return Report{}, fmt.Errorf("verify: %w", err)
		}
		for _, r := range rows {
			if err := v.row(ctx, r); err != nil {
				return Report{}, fmt.Errorf("verify: %w", err)
			}
			after = r.position
		}
		if len(rows) < pageSize {
			break
		}
	}
	if err := v.end(ctx); err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	return v.report, nil
}

// expect takes the checkpoints to compare with.
func (v *verification) expect(origin string, checkpoints []Checkpoint) {
	v.report.Checkpoints = len(checkpoints)
	for _, c := range checkpoints {
		if c.Origin != origin {
			v.find("foreign", 0, c.Size)
			continue
		}
		v.due[c.Size] = append(v.due[c.Size], c)
		v.report.Signed = max(v.report.Signed, c.Size)
	}
	if v.unsigned = len(v.due) == 0; v.unsigned { // an empty log is signed as well
		v.find("unsigned", 0, 0)
	}
	v.compare(0)
}

// look asks the database what there is to expect.
func (v *verification) look(ctx context.Context) (err error) {
	const query = `select coalesce(sum(octet_length(leaves)), 0) / $2, now() from witness_leaves where tree = $1`
	if err := v.db.QueryRow(ctx, query, string(v.of), tlog.HashSize).Scan(&v.known, &v.now); err != nil {
		return fmt.Errorf("count leaves: %w", err)
	}
	v.known = max(v.known, v.report.Signed)
	v.before, v.given = v.known, math.MaxInt64
	if v.of == Readings {
		v.given, err = given(ctx, v.db)
	}
	return err
}

// verification is a walk along the log.
type verification struct {
	of     Source
	db     pg.Querier
	tree   tree
	leaves map[int64][]tlog.Hash // of the chunk at hand
	due    map[int64][]Checkpoint
	vouch  int64 // size of the last checkpoint that agreed
	forged bool
	// known is up to where leaves or checkpoints speak of the log: the walk ends there, wherever rows claim to stand.
	known int64
	// before is the position of the last row behind that, given the last number that a row can have.
	before, given int64
	now           time.Time
	unsigned      bool // said so
	report        Report
}

func (v *verification) find(kind string, position, checkpoint int64) {
	if len(v.report.Findings) < mostFindings {
		v.report.Findings = append(v.report.Findings, Finding{kind, position, checkpoint})
	}
}

// row takes the next row. Where one is missing, its leaf takes its place, so that what follows is judged for itself.
func (v *verification) row(ctx context.Context, r row) error {
	for v.tree.size() < v.known && r.position > v.tree.size()+1 {
		if err := v.gap(ctx); err != nil {
			return err
		}
	}
	v.report.Rows++
	if r.position > v.report.Signed && v.now.Sub(r.recordedAt) > time.Minute && !v.unsigned {
		v.unsigned = true
		v.find("unsigned", r.position, 0)
	}
	if r.position > v.known {
		v.behind(r)
		return nil
	}
	kept, known, err := v.leaf(ctx, r.position)
	switch {
	case err != nil:
		return err
	case r.position <= v.tree.size(): // 0, or below: never by our own hand
		v.find("inserted", r.position, 0)
		return nil
	case known && v.of.vacant(kept):
		v.find("inserted", r.position, 0)
		v.tree.add(kept)
	case known && kept != r.leaf:
		v.find("changed", r.position, 0)
		v.tree.add(kept) // what follows is judged for itself
	case !known:
		v.find("inserted", r.position, 0)
		fallthrough
	default:
		v.tree.add(r.leaf)
	}
	v.compare(v.tree.size())
	return nil
}

// behind takes a row that no leaf and no checkpoint speaks of yet. The log has no holes, and the register none but of numbers
// that were given out.
func (v *verification) behind(r row) {
	if v.of == Facts && r.position != v.before+1 || r.position > v.given {
		v.find("inserted", r.position, 0)
	}
	v.before = r.position
}

// gap takes a position without a row: one that was removed, or one that a register never filled.
func (v *verification) gap(ctx context.Context) error {
	position := v.tree.size() + 1
	kept, known, err := v.leaf(ctx, position)
	if err != nil {
		return err
	}
	switch {
	case known && v.of.vacant(kept):
	case !known && v.of == Readings: // behind what was signed, or the leaves are gone, which the checkpoints tell
		kept = vacancy()
	default:
		v.find("removed", position, 0)
	}
	v.tree.add(kept)
	v.compare(position)
	return nil
}

// leaf returns the kept leaf of a position.
func (v *verification) leaf(ctx context.Context, position int64) (leaf tlog.Hash, known bool, err error) {
	if position < 1 {
		return leaf, false, nil
	}
	chunk, at := (position-1)/chunkSize, (position-1)%chunkSize
	if _, at := v.leaves[chunk]; !at {
		clear(v.leaves)
		var packed []byte
		err := v.db.QueryRow(ctx, `select coalesce((select leaves from witness_leaves where tree = $1 and chunk = $2), '')`, string(v.of), chunk).Scan(&packed)
		if err != nil {
			return leaf, false, fmt.Errorf("fetch leaves of chunk %d: %w", chunk, err)
		}
		v.leaves[chunk] = unpack(packed)
	}
	if all := v.leaves[chunk]; at < int64(len(all)) {
		return all[at], true, nil
	}
	return leaf, false, nil
}

// compare asks the checkpoints of a size.
func (v *verification) compare(size int64) {
	for _, c := range v.due[size] {
		if root, err := v.tree.root(); err != nil || root != c.Root {
			if !v.forged { // all that follow disagree as well
				v.find("forged", v.vouch+1, c.Size)
			}
			v.forged = true
			continue
		}
		v.vouch = max(v.vouch, size)
	}
	delete(v.due, size)
}

// end looks for what should be behind the last row. There are leaves of vacancies behind it, and others are of rows that were cut.
func (v *verification) end(ctx context.Context) error {
	last := v.report.Signed
	for {
		kept, known, err := v.leaf(ctx, v.tree.size()+1)
		switch {
		case err != nil:
			return err
		case known && v.of.vacant(kept):
			v.tree.add(kept)
			v.compare(v.tree.size())
		case v.tree.size() < last:
			v.find("cut", v.tree.size()+1, last)
			return nil
		case known:
			v.find("cut", v.tree.size()+1, 0)
			return nil
		default:
			return nil
		}
	}
}
