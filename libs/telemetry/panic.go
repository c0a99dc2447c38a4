package telemetry

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Panicked describes a panic by its place; it is called by the function that recovers. Its value is quoted only when the runtime made it: others may hold anything.
func Panicked(value any) error {
	what := fmt.Sprintf("%T", value)
	if e, ok := value.(runtime.Error); ok {
		what = e.Error()
	}
	return fmt.Errorf("panic: %s\n%s", what, debug.Stack())
}
