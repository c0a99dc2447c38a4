package witness

import (
	"context"
	"fmt"
	"math"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/songan-vn/songan/libs/pg"
)

// Finding is one place where a log is not what it was.
type Finding struct {
	// Kind is changed (a row differs from its leaf), removed (its position is empty), inserted (a row that no leaf knows,
	// below the last checkpoint), cut (the log ends before the last checkpoint), forged (what stands in the leaves is not
	// what a checkpoint signed; only the first is named) or foreign (a checkpoint of another log).
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
	last := v.expect(origin, checkpoints)
	for after := int64(math.MinInt64); ; {
		rows, err := s.page(ctx, db, after, math.MaxInt64)
		if err != nil {
			return Report{}, fmt.Errorf("verify: %w", err)
		}
		for _, r := range rows {
			if err := v.row(ctx, r, last); err != nil {
				return Report{}, fmt.Errorf("verify: %w", err)
			}
			after = r.position
		}
		if len(rows) < pageSize {
			break
		}
	}
	if err := v.end(ctx, last); err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	return v.report, nil
}

// expect takes the checkpoints to compare with, and returns the size of the last.
func (v *verification) expect(origin string, checkpoints []Checkpoint) (last int64) {
	for _, c := range checkpoints {
		v.report.Checkpoints++
		if c.Origin != origin {
			v.find("foreign", 0, c.Size)
			continue
		}
		v.due[c.Size] = append(v.due[c.Size], c)
		last = max(last, c.Size)
	}
	v.report.Signed = last
	v.compare(0)
	return last
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
	report Report
}

func (v *verification) find(kind string, position, checkpoint int64) {
	if len(v.report.Findings) < mostFindings {
		v.report.Findings = append(v.report.Findings, Finding{kind, position, checkpoint})
	}
}

// row takes the next row. Where one is missing, its leaf takes its place, so that what follows is judged for itself.
func (v *verification) row(ctx context.Context, r row, last int64) error {
	for r.position > v.tree.size()+1 {
		if err := v.gap(ctx); err != nil {
			return err
		}
	}
	v.report.Rows++
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
	case !known && r.position <= last:
		v.find("inserted", r.position, 0)
		fallthrough
	default:
		v.tree.add(r.leaf)
	}
	v.compare(v.tree.size())
	return nil
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
func (v *verification) end(ctx context.Context, last int64) error {
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
