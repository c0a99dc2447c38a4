package batch

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
)

func TestMetaIsWrittenAsEncodingJSONDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string {
			return rapid.OneOf(rapid.StringMatching(`[a-z0-9:-]{0,30}`), rapid.String()).Draw(t, name)
		}
		m := events.Meta{
			Cause: text("cause"), Correlation: text("correlation"), Actor: text("actor"), Trace: text("trace"),
			Fingerprint: text("fingerprint"),
			OccurredAt:  time.Unix(rapid.Int64Range(-1e11, 3e11).Draw(t, "at"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).UTC(),
		}
		want, wrong := json.Marshal(m)
		got, err := encodeMeta(m)
		if (err == nil) != (wrong == nil) {
			t.Fatalf("%v, and encoding/json: %v", err, wrong)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
