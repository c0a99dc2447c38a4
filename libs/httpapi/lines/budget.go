package lines

import "sync/atomic"

// Budget is how many bytes several may take together: of disk, spools; of memory, bodies. It has no queue: a spool whose
// receiver goes on reading empties its own file, and always has its memory; a body is refused. A nil *Budget has no limit.
type Budget struct {
	most int64
	used atomic.Int64
}

// NewBudget returns a budget of so many bytes.
func NewBudget(most int64) *Budget { return &Budget{most: most} }

// Used counts the bytes that are taken.
func (b *Budget) Used() int64 { return b.used.Load() }

// Take takes bytes, which [Budget.Give] gives back; false when there are not so many left.
func (b *Budget) Take(n int64) bool {
	if b == nil {
		return true
	}
	if b.used.Add(n) > b.most {
		b.used.Add(-n)
		return false
	}
	return true
}

// Give gives bytes back.
func (b *Budget) Give(n int64) {
	if b != nil {
		b.used.Add(-n)
	}
}
