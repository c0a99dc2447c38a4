package eventstore

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
)

// Whatever plainMeta decodes, encoding/json decodes to the same.
func TestPlainMetaIsWhatJSONSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringMatching(`[a-z0-9/:-]{0,20}`), rapid.String())
		want := events.Meta{
			Cause: text.Draw(t, "cause"), Correlation: text.Draw(t, "correlation"), Actor: text.Draw(t, "actor"),
			Trace: text.Draw(t, "trace"), Fingerprint: text.Draw(t, "fingerprint"),
			OccurredAt: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "at"), 0).In(time.FixedZone("", 7*3600)),
		}
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		check(t, data)
	})
}

func FuzzPlainMeta(f *testing.F) {
	f.Add([]byte(`{"actor": "officer:x", "cause": "a/b/1", "occurred_at": "2026-11-21T14:05:00+07:00"}`))
	f.Add([]byte(`{"actor":"a" "cause":"b"}`))
	f.Add([]byte(`{,"actor":"a"}`))
	f.Add([]byte(`{"actor":"a",}`))
	f.Fuzz(func(t *testing.T, data []byte) { check(t, data) })
}

func check(t rapid.TB, data []byte) {
	got, plain := plainMeta(data)
	if !plain {
		return
	}
	var want events.Meta
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatalf("%q is no JSON: %v", data, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%q (-want +got):\n%s", data, diff)
	}
}

func TestTheMetaOfTheLogIsPlain(t *testing.T) {
	t.Parallel()
	const data = `{"actor": "service:disbursement", "cause": "bankgateway/instruction-SA-1/2", "occurred_at": "2026-11-21T14:05:00.123456+07:00"}`
	m, plain := plainMeta([]byte(data))
	if !plain || m.Actor != "service:disbursement" || m.OccurredAt.Nanosecond() != 123456000 {
		t.Errorf("%+v, %v", m, plain)
	}
}
