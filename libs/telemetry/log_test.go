package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/songan-vn/songan/libs/telemetry"
)

// Planted data: none of it may come out anywhere.
const (
	plantedName     = "Nguyễn Thị Ánh Tuyết"
	plantedCitizen  = "079203001234"
	plantedPhone    = "0912345678"
	plantedToken    = "hk7Qz1mXc93Lp0RtYvB2"
	plantedPassword = "s3cret-Hoa-Sen"
	plantedAddress  = "12 Lê Lợi, phường Bến Thành"
)

// leaks returns the planted data that text holds.
func leaks(text string) []string {
	var found []string
	for _, planted := range []string{
		plantedName, plantedCitizen, plantedPhone, plantedToken, plantedPassword, plantedAddress, "Tuyết", "Lê Lợi",
	} {
		quoted, _ := json.Marshal(planted)
		ascii := fmt.Sprintf("%+q", planted)
		if strings.Contains(text, planted) || strings.Contains(text, strings.Trim(string(quoted), `"`)) ||
			strings.Contains(text, strings.Trim(ascii, `"`)) {
			found = append(found, planted)
		}
	}
	return found
}

// guest is a person as a careless author would log one.
type guest struct {
	FullName string
	Number   string
	phone    string
}

func (g guest) String() string { return g.FullName + " " + g.Number + " " + g.phone }

type guestObject guest

func (g guestObject) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("full_name", g.FullName)
	enc.AddString("room", "room of "+g.Number)
	enc.OpenNamespace("contact")
	enc.AddString("mobile_phone", g.phone)
	return enc.AddReflected("whole", guest(g))
}

// careless returns every way that zap has to write a field, each with a planted person.
func careless() []zap.Field {
	who := guest{plantedName, plantedCitizen, plantedPhone}
	text := plantedCitizen
	return []zap.Field{
		zap.String("name", plantedName),
		zap.String("guestName", plantedName),
		zap.String("detail", "number "+plantedCitizen),
		zap.Stringp("pointer", &text),
		zap.ByteString("bytes", []byte(plantedCitizen)),
		zap.Binary("binary", []byte(plantedName)),
		zap.Any("guest", who),
		zap.Any("who", &who),
		zap.Reflect("reflected", who),
		zap.Reflect("nested", map[string]any{"a": []any{map[string]any{"full_name": plantedName}, who, plantedPhone}}),
		zap.Any("strings", map[string]string{"address": plantedAddress, plantedCitizen: "key"}),
		zap.Any("raw", json.RawMessage(`{"name":"`+plantedName+`"}`)),
		zap.Object("object", guestObject(who)),
		zap.Objects("objects", []guestObject{guestObject(who)}),
		zap.Inline(guestObject(who)),
		zap.Dict("dict", zap.String("phone", plantedPhone), zap.String("said", plantedCitizen)),
		zap.Strings("list", []string{plantedCitizen, plantedPhone}),
		zap.Error(fmt.Errorf("check %s: %w", plantedCitizen, pgValue())),
		zap.NamedError("cause", errors.Join(pgValue(), errors.New(plantedPhone))),
		zap.Errors("causes", []error{pgValue(), errors.New(plantedCitizen)}),
		zap.Any("panic", pgValue()),
		zap.Int64("document_number", 79203001234),
		zap.Uint64("phone", 912345678),
	}
}

// pgValue is an error of PostgreSQL that quotes values everywhere.
func pgValue() error {
	return &pgconn.PgError{
		Severity: "ERROR", Code: "22P02", Message: `invalid input syntax for type integer: "` + plantedName + `"`,
		Detail: "Key (name)=(" + plantedName + ") already exists.", Where: "unnamed portal parameter $1 = '" + plantedName + "'",
		ConstraintName: "guests_key",
	}
}

func TestNoWayOfLoggingLeaksAPlantedPerson(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "console"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			out := &bytes.Buffer{}
			log, err := telemetry.Logger("debug", format, zapcore.AddSync(out))
			if err != nil {
				t.Fatal(err)
			}
			message := "asked about " + plantedCitizen + " with Bearer " + plantedToken
			for _, field := range careless() {
				log.Info(message, field)
				log.With(field).Debug(message)
				log.With(zap.Namespace("inner"), field).Named("child").Error(message)
			}
			log.Info("all", careless()...)
			log.Sugar().Infow(message, "password", plantedPassword, "url", "postgres://a:"+plantedPassword+"@db/x", "g", guest{plantedName, "", ""})
			log.Sugar().Warnf("number %s", plantedCitizen)
			if found := leaks(out.String()); found != nil {
				t.Errorf("%q leaked", found)
				for line := range strings.Lines(out.String()) {
					if leaks(line) != nil {
						t.Log(line)
					}
				}
			}
			if got := strings.Count(out.String(), "\n"); got != 3*len(careless())+3 {
				t.Errorf("%d lines written", got)
			}
		})
	}
}

func TestHarmlessFieldsAreWrittenAsTheyAre(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)
	got := written(t,
		zap.String("handler_name", "check"), zap.Int64("position", 123456789012), zap.Bool("late", true),
		zap.Duration("took", time.Second), zap.Time("due", at), zap.Float64("ratio", 0.5), zap.Skip(),
		zap.Strings("codes", []string{"a", "b"}), zap.Any("counts", map[string]any{"new": 1, "nan": nan()}),
		zap.Times("times", []time.Time{at}), zap.Durations("waits", []time.Duration{time.Minute}),
		zap.Stringer("listen", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9092}), zap.Stringer("state", zapcore.WarnLevel),
		zap.Stringer("id", uuid.UUID{}), zap.Namespace("inner"), zap.String("ref", "0193a1b2-0000-7000-8000-123456789012"), zap.Error(errors.New("no such duty")),
	)
	want := map[string]any{
		"handler_name": "check", "position": float64(123456789012), "late": true, "took": "1s",
		"due": "2026-11-21T22:00:00.000Z", "ratio": 0.5, "codes": []any{"a", "b"},
		"counts": map[string]any{"new": float64(1), "nan": "NaN"},
		"times":  []any{"2026-11-21T22:00:00Z"}, "waits": []any{"1m0s"},
		"listen": "127.0.0.1:9092", "state": "warn", "id": "00000000-0000-0000-0000-000000000000",
		"inner": map[string]any{"ref": "0193a1b2-0000-7000-8000-123456789012", "error": "no such duty"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsHiddenSaysSo(t *testing.T) {
	t.Parallel()
	got := written(t, zap.String("name", "x"), zap.Any("who", struct{ A string }{"x"}), zap.Binary("blob", []byte("abc")))
	want := map[string]any{"name": "***", "who": "refused: struct { A string }", "blob": "3 bytes"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOneFieldCannotFloodTheLog(t *testing.T) {
	t.Parallel()
	deep := map[string]any{}
	for range 50 {
		deep = map[string]any{"in": deep}
	}
	wide := make([]string, 5000)
	many := map[string]any{}
	for i := range 5000 {
		many[fmt.Sprint("k", i)] = i
	}
	for name, field := range map[string]zap.Field{
		"deep": zap.Any("f", deep), "wide": zap.Strings("f", wide), "many": zap.Any("f", many),
		"long": zap.String("f", strings.Repeat("ắ", 1<<20)), "errors": zap.Errors("f", make([]error, 5000)),
	} {
		line, _ := json.Marshal(written(t, field))
		if len(line) > 20_000 || len(line) < 20 {
			t.Errorf("%s: %d bytes", name, len(line))
		}
	}
}

func TestALevelKeepsLesserLinesOut(t *testing.T) {
	t.Parallel()
	out := &bytes.Buffer{}
	log, err := telemetry.Logger("warn", "", zapcore.AddSync(out))
	if err != nil {
		t.Fatal(err)
	}
	log.Info("not this")
	log.Warn("this")
	if text := out.String(); strings.Contains(text, "not this") || !strings.Contains(text, `"msg":"this"`) {
		t.Error(text)
	}
}

func TestKeysMadeOfValuesAreJudgedAsWell(t *testing.T) {
	t.Parallel()
	out := &bytes.Buffer{}
	log, err := telemetry.Logger("info", "json", zapcore.AddSync(out))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3000 { // more than are remembered
		log.Info("line", zap.String(fmt.Sprint("phone", i), plantedName), zap.String(fmt.Sprint("phone_", i), plantedName),
			zap.Int(fmt.Sprint("other", i), i))
	}
	if found := leaks(out.String()); found != nil || strings.Count(out.String(), `"***"`) != 6000 {
		t.Errorf("%q leaked, %d hidden", found, strings.Count(out.String(), `"***"`))
	}
}

func TestUnknownSettingsAreRefused(t *testing.T) {
	t.Parallel()
	if _, err := telemetry.Logger("loud", "json", nil); err == nil {
		t.Error("a level that does not exist was accepted")
	}
	if _, err := telemetry.Logger("info", "xml", nil); err == nil {
		t.Error("a format that does not exist was accepted")
	}
}

// written logs one line of fields and returns what stands in it, without the frame.
func written(t *testing.T, fields ...zap.Field) map[string]any {
	t.Helper()
	out := &bytes.Buffer{}
	log, err := telemetry.Logger("", "json", zapcore.AddSync(out))
	if err != nil {
		t.Fatal(err)
	}
	log.Info("line", fields...)
	got := map[string]any{}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	for _, frame := range []string{"level", "at", "caller", "msg"} {
		if _, there := got[frame]; !there {
			t.Errorf("no %s in %s", frame, out)
		}
		delete(got, frame)
	}
	return got
}

func BenchmarkALineOfARequest(b *testing.B) {
	for name, wrap := range map[string]func(zapcore.Core) zapcore.Core{
		"bare": func(c zapcore.Core) zapcore.Core { return c }, "redacted": telemetry.Redact,
	} {
		b.Run(name, func(b *testing.B) {
			encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
			log := zap.New(wrap(zapcore.NewCore(encoder, zapcore.AddSync(io.Discard), zap.InfoLevel)))
			b.ReportAllocs()
			for b.Loop() {
				log.Info("request", zap.String("method", "POST"), zap.String("route", "/accommodation/v1/notices"),
					zap.Int("status", 201), zap.Duration("took", 1234567), zap.String("actor", "facility:abc"),
					zap.String("request_id", "0193a1b2-0000-7000-8000-123456789012"), zap.Int64("position", 123456), zap.Bool("replayed", false))
			}
		})
	}
}
