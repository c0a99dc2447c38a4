// Package missing is for tests of what a machine may lack. It stands here and not in testkit because the tests of the embedded
// servers, which testkit starts, need it too.
package missing

import (
	"os"
	"testing"
)

// envNothing is what .ci/run sets: it has installed everything, and a test that is skipped there would never be run.
const envNothing = "SONGAN_TEST_NOTHING_MISSING"

// Skip skips the rest of a test for a reason, on a laptop, and fails it where nothing may be missing.
func Skip(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv(envNothing) != "" {
		t.Fatalf("missing although "+envNothing+" is set: "+format, args...)
	}
	t.Skipf(format, args...)
}
