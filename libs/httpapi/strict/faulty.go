package strict

import "github.com/songan-vn/songan/libs/problem"

// Faulty is the error about an object that was read to its end and has faults. It is told as the problem that it wraps.
type Faulty[T any] struct {
	// Value is what could be read. As for a [Validator], fields that are at fault are zero, and it is never valid.
	Value T
	err   error
}

// Error returns that of the problem.
func (f *Faulty[T]) Error() string { return f.err.Error() }

// Unwrap returns the problem.
func (f *Faulty[T]) Unwrap() error { return f.err }

// Add lists what was found in the value beside the faults of the document, as if its [Validator] had found it: a place
// that is at fault already is not spoken of again.
func (f *Faulty[T]) Add(found problem.Faults) {
	if p, ok := problem.Of(f.err); ok {
		p.Faults = also(p.Faults, "", found)
	}
}
