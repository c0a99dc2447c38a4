package missing_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/embedded/missing"
)

// spy is a testing.TB that notes how a test would have ended.
type spy struct {
	testing.TB
	ended []string
}

func (s *spy) Helper()               {}
func (s *spy) Fatalf(string, ...any) { s.ended = append(s.ended, "failed") }
func (s *spy) Skipf(string, ...any)  { s.ended = append(s.ended, "skipped") }

func TestWhatIsMissingIsAFailureWhereNothingMayBeMissing(t *testing.T) { //nolint:paralleltest // it sets the environment
	for variable, want := range map[string]string{"": "skipped", "true": "failed"} {
		t.Setenv("SONGAN_TEST_NOTHING_MISSING", variable)
		s := &spy{TB: t}
		missing.Skip(s, "no %s", "server")
		if diff := cmp.Diff(want, s.ended[0]); diff != "" {
			t.Errorf("%q (-want +got)\n%s", variable, diff)
		}
	}
}
