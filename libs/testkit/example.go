package testkit

import (
	"context"
	"fmt"
	"os"
	"testing"
)

// Example gives an Example what a test has: a place for [Postgres], [Kafka] and temporary files. The caller runs done at
// the end, which takes all of it down. What would end a test panics, so that the example fails.
func Example() (t testing.TB, done func()) {
	ctx, stop := context.WithCancel(context.Background())
	e := &example{ctx: ctx}
	return e, func() {
		stop()
		for i := range e.cleanups {
			e.cleanups[len(e.cleanups)-1-i]()
		}
	}
}

// example is the part of a testing.TB that this package and the kits of other packages use.
type example struct {
	testing.TB

	ctx      context.Context //nolint:containedctx // as in testing.T
	cleanups []func()
}

func (e *example) Helper()                  {}
func (e *example) Name() string             { return "example" }
func (e *example) Context() context.Context { return e.ctx }
func (e *example) Cleanup(f func())         { e.cleanups = append(e.cleanups, f) }

func (e *example) TempDir() string {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (e *example) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }          //nolint:forbidigo // ends the example
func (e *example) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) } //nolint:forbidigo // ends the example
func (e *example) Error(args ...any)                 { e.Fatal(args...) }
func (e *example) Errorf(format string, args ...any) { e.Fatalf(format, args...) }
func (e *example) Log(...any)                        {}
func (e *example) Logf(string, ...any)               {}
