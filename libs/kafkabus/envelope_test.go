package kafkabus_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/kafkabus"
)

func recorded() events.Recorded {
	return events.Recorded{
		Position: 42, Stream: "notice-7", Version: 3, Event: noted{7},
		Meta: events.Meta{
			Cause: "key-1", Correlation: "request-9", Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
			Actor: "facility:1", Fingerprint: "secret",
			OccurredAt: time.Date(2026, 11, 21, 23, 5, 0, 1000, time.FixedZone("", 7*3600)),
		},
		RecordedAt: time.Date(2026, 11, 21, 16, 5, 1, 0, time.UTC),
	}
}

func encoded(t testing.TB) kafka.Message {
	t.Helper()
	m, err := kafkabus.Encode(recorded(), 40)
	if err != nil {
		t.Fatal(err)
	}
	m.Topic, m.Partition, m.Offset = "songan.ledger.v1", 2, 17
	return m
}

func TestAMessageIsACloudEventInBinaryMode(t *testing.T) {
	t.Parallel()
	m := encoded(t)
	got := fmt.Sprintf("%s\n%s\n", m.Key, m.Value)
	for _, h := range m.Headers {
		got += fmt.Sprintf("%s: %s\n", h.Key, h.Value)
	}
	const want = `notice-7
{"n":7}
ce_specversion: 1.0
ce_id: ledger/notice-7/3
ce_type: ledger.noted.v1
ce_source: songan/ledger
ce_subject: notice-7
ce_time: 2026-11-21T16:05:00.000001Z
ce_recordedtime: 2026-11-21T16:05:01Z
ce_sequence: 42
ce_previous: 40
ce_version: 3
content-type: application/json
ce_correlationid: request-9
ce_causationid: key-1
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

func TestWhatArrivesIsWhatWasRecordedButActorAndFingerprint(t *testing.T) {
	t.Parallel()
	got, err := kafkabus.Decode(catalog(), encoded(t))
	if err != nil {
		t.Fatal(err)
	}
	want := kafkabus.Received{
		Recorded: recorded(), Previous: 40, Source: "songan/ledger",
		Place: kafkabus.Place{Topic: "songan.ledger.v1", Partition: 2, Offset: 17},
	}
	want.Meta.Actor, want.Meta.Fingerprint = "", ""
	want.Meta.OccurredAt = want.Meta.OccurredAt.UTC()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
}

func TestAPrivateFactHasNoMessage(t *testing.T) {
	t.Parallel()
	if _, err := kafkabus.Encode(events.Recorded{Position: 1, Stream: "a", Version: 1, Event: kept{}}, 0); err == nil {
		t.Error("encoded")
	}
}

func TestEveryHeaderIsCheckedAndNoErrorHoldsItsValue(t *testing.T) {
	t.Parallel()
	const secret = "Nguyen-Van-A"
	for header, odd := range map[string][]string{
		"ce_specversion":  {"", "0.3", secret},
		"ce_id":           {"", "ledger/notice-7/4", secret},
		"ce_type":         {"", "ledger.unheard.v1", secret},
		"ce_source":       {"", "songan/accounts", secret},
		"ce_subject":      {"", "notice-8", secret},
		"ce_time":         {"", "2026-11-21", secret},
		"ce_recordedtime": {"", "yesterday", secret},
		"ce_sequence":     {"", "0", "-1", "4x", "99999999999999999999", secret},
		"ce_previous":     {"", "-1", "42", "43", secret},
		"ce_version":      {"", "0", secret},
		"content-type":    {"", "application/xml", "application/json; =", secret},
	} {
		for _, value := range append(odd, "missing") {
			t.Run(header+" "+value, func(t *testing.T) {
				t.Parallel()
				m := encoded(t)
				var rest []kafka.Header
				for _, h := range m.Headers {
					if h.Key == header {
						h.Value = []byte(value)
					}
					if h.Key != header || value != "missing" {
						rest = append(rest, h)
					}
				}
				m.Headers = rest
				_, err := kafkabus.Decode(catalog(), m)
				var fault *kafkabus.HeaderError
				if !errors.As(err, &fault) || fault.Header != header {
					t.Errorf("%v", err)
				}
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("the error holds the value: %v", err)
				}
			})
		}
	}
}

func TestAnOddBodyIsToldWithoutItsContent(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		``:                      `body of ledger.noted.v1 breaks off being JSON at byte 0`,
		`{"n":"Nguyen Van A"}`:  `body of ledger.noted.v1 has another type than int in "n"`,
		`{"n":079123456789}`:    `body of ledger.noted.v1 breaks off being JSON at byte 7`,
		`{"n":3.5}`:             `body of ledger.noted.v1 has another type than int in "n"`,
		`"Nguyen"`:              `body of ledger.noted.v1 has another type than kafkabus_test.noted in ""`,
		"{\"n\":7}\xff":         `body of ledger.noted.v1 breaks off being JSON at byte 8`,
		`{"n":7}{"n":8}`:        `body of ledger.noted.v1 breaks off being JSON at byte 8`,
		`{"n":1e999999999999}`:  `body of ledger.noted.v1 has another type than int in "n"`,
		`{"n":[[[[[[[[[[[[{}]`:  `body of ledger.noted.v1 breaks off being JSON at byte 20`,
		strings.Repeat("[", 20): `body of ledger.noted.v1 breaks off being JSON at byte 20`,
	} {
		m := encoded(t)
		m.Value = []byte(body)
		_, err := kafkabus.Decode(catalog(), m)
		var fault *kafkabus.BodyError
		if !errors.As(err, &fault) {
			t.Errorf("%s: %v", body, err)
			continue
		}
		if diff := cmp.Diff(want, fault.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

func TestTheLastOfTwoHeadersCounts(t *testing.T) {
	t.Parallel()
	m := encoded(t)
	m.Headers = append(m.Headers, kafka.Header{Key: "ce_sequence", Value: []byte("50")})
	got, err := kafkabus.Decode(catalog(), m)
	if err != nil || got.Position != 50 {
		t.Errorf("%d %v", got.Position, err)
	}
}

func TestAFactBelongsToAStream(t *testing.T) {
	t.Parallel()
	r := recorded()
	r.Stream = ""
	m, err := kafkabus.Encode(r, 40)
	if err != nil {
		t.Fatal(err)
	}
	_, err = kafkabus.Decode(catalog(), m)
	var fault *kafkabus.HeaderError
	if !errors.As(err, &fault) || fault.Header != "ce_subject" {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("notice-7"), []byte(`{"n":7}`), "ce_sequence", []byte("42"))
	f.Add([]byte(""), []byte(`{`), "ce_time", []byte("\x00"))
	f.Fuzz(func(t *testing.T, key, value []byte, header string, text []byte) {
		m := encoded(t)
		m.Key, m.Value = key, value
		for i := range m.Headers {
			if m.Headers[i].Key == header {
				m.Headers[i].Value = text
			}
		}
		got, err := kafkabus.Decode(catalog(), m)
		var headerFault *kafkabus.HeaderError
		var bodyFault *kafkabus.BodyError
		if err != nil && !errors.As(err, &headerFault) && !errors.As(err, &bodyFault) {
			t.Errorf("an unnamed error: %v", err)
		}
		if err == nil && (got.Position <= got.Previous || got.Stream != string(key) || got.Event == nil) {
			t.Errorf("believed: %+v", got)
		}
	})
}
