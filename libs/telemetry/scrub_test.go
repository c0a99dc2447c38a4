package telemetry_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/telemetry"
)

func nan() float64 { return math.NaN() }

func TestScrubReplacesNumbersAndSecrets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"nothing", "nothing"},
		{"079203001234", "***"},
		{"a 079203001234, b", "a ***, b"},
		{"CCCD079203001234x", "CCCD***x"},
		{"079 203 001 234", "***"},
		{"0792.0300.1234!", "***!"},
		{"079-203-001-234", "***"},
		{"123456789012", "***"},
		{"two 079203001234 and 001", "two *** and 001"},
		{"079203001234079203001234", "079203001234079203001234"}, // 24 digits are something else
		{"1234567890123", "1234567890123"},
		{"12345678901", "12345678901"},
		{"2026-11-21 22", "2026-11-21 22"},
		{"2026-11-21 22:15", "2026-11-21 22:15"},
		{"call 0912345678", "call ***"},
		{"call 091 234 5678", "call ***"},
		{"call +84912345678", "call +***"},
		{"1763740800", "1763740800"}, // a Unix time
		{"0193a1b2-0000-7000-8000-123456789012", "0193a1b2-0000-7000-8000-123456789012"},
		{"line 3 079203001234 5", "line 3 *** 5"},
		{"3 079 203 001 234 5", "3 *** 5"},
		{"3-0912.345.678", "3-***"},
		{"+84 912 345 678", "+***"},
		{"84 912 345 678", "84 912 345 678"},
		{"01936012-3456-7000-8000-123456789012", "01936012-3456-7000-8000-123456789012"},
		{"Authorization: Bearer abcdefgh", "Authorization: ***"},
		{`"authorization":"Basic YWxhZGRpbjpvcGVu"`, `"authorization: ***"`},
		{"bearer abcdefgh1", "bearer ***"},
		{"got eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln!", "got ***!"},
		{"token sa_abcdefgh23456723_abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst", "token ***"},
		{"AUTHORIZATION=x1", "AUTHORIZATION: ***"},
		{"pwd=x", "pwd=***"},
		{"{\"token\" : \"abc\"}", "{\"token\" : \"***\"}"},
		{"key songan_k3y7_hk7Qz1mXc93Lp0RtYvB2", "key ***"},
		{"account_number_does_not_match_bank", "account_number_does_not_match_bank"},
		{"songan_kafkabus_records_published_total", "songan_kafkabus_records_published_total"},
		{"postgres://songan:pa-ss@localhost:5432/x", "postgres://***@localhost:5432/x"},
		{"dial host=localhost password=hunter2 db=x", "dial host=localhost password=*** db=x"},
		{`{"token":"abc","password": "def"}`, `{"token":"***","password": "***"}`},
		{"https://example.vn/v1?api_key=abcdef&x=1", "https://example.vn/v1?api_key=***&x=1"},
		{"token expired", "token expired"},
		{"the token: not accepted", "the token: not accepted"},
		{"relay stopped after 12 records", "relay stopped after 12 records"},
		{"http://127.0.0.1:8080/accommodation/v1/notices/abc", "http://127.0.0.1:8080/accommodation/v1/notices/abc"},
		{"listening on 127.0.0.1:9092, pid 1234, took 0.123456 s, 0 left", "listening on 127.0.0.1:9092, pid 1234, took 0.123456 s, 0 left"},
	} {
		if got := telemetry.Scrub(c.text); got != c.want {
			t.Errorf("%q\n got %q\nwant %q", c.text, got, c.want)
		}
	}
}

func TestScrubFindsACitizenNumberAnywhere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`0[0-9]{11}`).Draw(t, "number")
		before := rapid.StringMatching(`(.*[^0-9])?`).Draw(t, "before")
		after := rapid.StringMatching(`([^0-9].*)?`).Draw(t, "after")
		if got := telemetry.Scrub(before + number + after); strings.Contains(got, number) {
			t.Fatalf("%q", got)
		}
	})
}

func TestScrubKeepsEveryUUID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var raw [16]byte
		copy(raw[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "raw"))
		id := uuid.UUID(raw)
		id[6] = id[6]&0x0f | 0x70
		if got := telemetry.Scrub("ref " + id.String() + " read"); !strings.Contains(got, id.String()) {
			t.Fatalf("%s became %q", id, got)
		}
	})
}

func TestDeniedKnowsKeysOfPeopleAndSecrets(t *testing.T) {
	t.Parallel()
	for _, key := range []string{
		"name", "Name", "full_name", "fullName", "guest.name", "guest_names", "number", "document", "document_number",
		"documentNo", "phone", "phone_number", "phone2", "guest1_name", "guestPhones", "birth_date", "birthDate", "date_of_birth", "dob", "address",
		"home_address", "token", "access_token", "nextPageToken", "password", "db-password", "authorization", "Authorization",
		"api_key", "apiKey", "x-api-key", "cookie", "set_cookie", "secret", "client_secret", "email", "ho_ten", "so_dien_thoai",
		"citizen_id", "national_id", "account_number", "body", "payload", "request_body", "args", "guest", "person", "passport_no",
		"cccd", "mrz_line", "credentials", "private_key", "jwt",
	} {
		if !telemetry.Denied(key) {
			t.Errorf("%s is written", key)
		}
	}
}

func TestDeniedLeavesNamesOfThings(t *testing.T) {
	t.Parallel()
	for _, key := range []string{
		"", "handler_name", "topic", "service", "service_name", "stream", "position", "ref", "document_index", "reason",
		"key", "month", "error", "method", "route", "status", "took", "partition", "actor", "purpose", "case", "breaker",
		"file_name", "listen", "remote_addr", "event_id", "message_uuid", "facility_id", "unit", "version", "---",
	} {
		if telemetry.Denied(key) {
			t.Errorf("%s is hidden", key)
		}
	}
}

func TestErrTextKeepsTheCodeAndDropsTheValue(t *testing.T) {
	t.Parallel()
	_, number := strconv.Atoi(plantedName)
	_, date := time.Parse(time.DateOnly, plantedName)
	_, argument := pgtype.NewMap().Encode(pgtype.Int4OID, pgtype.BinaryFormatCode, plantedName, nil)
	wrongType := json.Unmarshal([]byte(`{"Room": 79203001234}`), &struct{ Room string }{})
	for want, err := range map[string]error{
		"save: SQLSTATE 22P02, constraint guests_key": fmt.Errorf("save: %w", pgValue()),
		"said \"***\"": &said{pgValue()},
		`load: SQLSTATE 42P01, table x: relation "x" does not exist`: fmt.Errorf("load: %w", missingTable()),
		"Atoi: invalid syntax":                                          number,
		"parsing time: not of the layout 2006-01-02":                    date,
		"json: wrong type of Room":                                      wrongType,
		`Get "https://x.vn/p": EOF`:                                     &url.Error{Op: "Get", URL: "https://u:p@x.vn/p?name=" + plantedName, Err: errors.New("EOF")},
		`Get "***": EOF`:                                                &url.Error{Op: "Get", URL: "::" + plantedName, Err: errors.New("EOF")},
		"one\nSQLSTATE 22P02, constraint guests_key":                    errors.Join(errors.New("one"), pgValue()),
		"remote: SQLSTATE 23505":                                        errors.New(`remote: ERROR: bad "` + plantedName + `" (SQLSTATE 23505)`),
		"remote: ERROR: relation \"x\" does not exist (SQLSTATE 42P01)": errors.New(`remote: ERROR: relation "x" does not exist (SQLSTATE 42P01)`),
		"unable to encode *** into binary format for int4 (OID 23): cannot find encode plan": argument,
	} {
		got := telemetry.ErrText(err)
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if found := leaks(got); found != nil {
			t.Errorf("%q leaked in %q", found, got)
		}
	}
	if got := telemetry.ErrText(nil); got != "" {
		t.Errorf("nil is %q", got)
	}
}

func missingTable() error {
	return &pgconn.PgError{Severity: "ERROR", Code: "42P01", Message: `relation "x" does not exist`, TableName: "x"}
}

// said copies the inner message into its own text in a form of its own.
type said struct{ err error }

func (s *said) Error() string {
	inner, _ := errors.AsType[*pgconn.PgError](s.err)
	return `said "` + inner.Message + `"`
}
func (s *said) Unwrap() error { return s.err }

func TestErrTextEndsOnAnEndlessChain(t *testing.T) {
	t.Parallel()
	loop := &endless{}
	loop.err = loop
	if got := telemetry.ErrText(loop); got != "endless" {
		t.Errorf("%q", got)
	}
}

type endless struct{ err error }

func (*endless) Error() string   { return "endless" }
func (e *endless) Unwrap() error { return e.err }
