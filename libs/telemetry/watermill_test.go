package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap/zapcore"

	"github.com/songan-vn/songan/libs/telemetry"
)

func TestWatermillLogsOnlyWhatNamesAThingOfTheBus(t *testing.T) {
	t.Parallel()
	out := &bytes.Buffer{}
	log, err := telemetry.Logger("debug", "json", zapcore.AddSync(out))
	if err != nil {
		t.Fatal(err)
	}
	payload := []byte(`{"full_name":"` + plantedName + `"}`)
	adapter := telemetry.Watermill(log).With(watermill.LogFields{
		"handler_name": "check", "payload": payload, "provider": struct{ Name string }{plantedName},
	})
	fields := watermill.LogFields{
		"topic": "songan.accommodation.v1", "message_uuid": "accommodation/notice-1/1", "retry_no": 2,
		"not_sent_message": plantedName, "metadata": map[string]string{"name": plantedName}, "who": plantedName,
		"err": errors.New("asked about " + plantedCitizen),
	}
	adapter.Error("Handler returned error", pgValue(), fields)
	adapter.Info("Adding handler", fields)
	adapter.Debug("Message received", fields)
	adapter.Trace("Message acked", fields)

	if found := leaks(out.String()); found != nil {
		t.Errorf("%q leaked: %s", found, out)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines: %s", len(lines), out)
	}
	for i, level := range []string{"error", "debug", "debug"} { // what Watermill tells about itself is for who debugs
		if !strings.Contains(lines[i], `"level":"`+level+`"`) {
			t.Errorf("line %d is no %s: %s", i, level, lines[i])
		}
	}
	got := map[string]any{}
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "at")
	if caller, _ := got["caller"].(string); !strings.HasPrefix(caller, "telemetry/watermill_test.go:") {
		t.Errorf("the caller is %s", caller)
	}
	delete(got, "caller")
	want := map[string]any{
		"level": "error", "msg": "Handler returned error", "handler_name": "check", "topic": "songan.accommodation.v1",
		"message_uuid": "accommodation/notice-1/1", "retry_no": float64(2), "err": "asked about ***",
		"error": "SQLSTATE 22P02, constraint guests_key", "provider": "refused: struct { Name string }",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
