package witness

import (
	"fmt"
	"sync"
)

// told is how many differences are told one by one.
const told = 10

// Journal is what went otherwise than planned.
type Journal struct {
	mu          sync.Mutex
	Count       int
	differences []string
	// refusals are attempts of one person to do the part of another, which were refused as they had to be.
	refusals int
}

// Differs notes a difference. The text names no person but by number.
func (j *Journal) Differs(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.Count++; j.Count <= told {
		j.differences = append(j.differences, fmt.Sprintf(format, args...))
	}
}

// Refused notes an attempt that was refused as it had to be.
func (j *Journal) Refused() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.refusals++
}
