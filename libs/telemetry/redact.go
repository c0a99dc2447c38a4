package telemetry

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	hidden = "***"
	// deepest and longest bound what one field may hold: beyond them it is cut, and says so.
	deepest = 6
	longest = 100
)

// Redact wraps a core so that every message and field passes the rules of the package before it is written.
func Redact(core zapcore.Core) zapcore.Core { return redacting{core, &verdicts{}} }

type redacting struct {
	zapcore.Core
	keys *verdicts
}

// verdicts remembers what Denied says of the keys of a logger: they are few, and every line has several of them.
type verdicts struct {
	known sync.Map // string to bool
	count atomic.Int32
}

// mostKeys bounds the memory of verdicts: a program that makes keys of values must not fill it.
const mostKeys = 1000

func (v *verdicts) denied(key string) bool {
	if verdict, ok := v.known.Load(key); ok {
		return verdict == true
	}
	verdict := Denied(key)
	if v.count.Add(1) <= mostKeys {
		v.known.Store(strings.Clone(key), verdict)
	}
	return verdict
}

// With redacts the fields of a child logger once.
func (r redacting) With(fields []zapcore.Field) zapcore.Core {
	return redacting{r.Core.With(r.redact(fields)), r.keys}
}

// Check puts the wrapper, not the wrapped core, in charge of writing.
func (r redacting) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if r.Enabled(entry.Level) {
		return checked.AddCore(entry, r)
	}
	return checked
}

// Write redacts and hands on.
func (r redacting) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	entry.Message = Scrub(entry.Message)
	return r.Core.Write(entry, r.redact(fields))
}

func (r redacting) redact(fields []zapcore.Field) []zapcore.Field {
	out := make([]zapcore.Field, 0, len(fields))
	for _, f := range fields {
		switch {
		case f.Type == zapcore.SkipType || f.Type == zapcore.NamespaceType:
			out = append(out, f)
		case r.keys.denied(f.Key):
			out = append(out, zap.String(f.Key, hidden))
		case isPlain(f.Type):
			out = append(out, f)
		case f.Type == zapcore.StringType:
			out = append(out, zap.String(f.Key, Scrub(f.String)))
		default:
			out = append(out, redactValue(f)...)
		}
	}
	return out
}

// redactValue returns the fields that are written instead of one with a value of its own: one, except for an inlined
// object.
func redactValue(f zapcore.Field) []zapcore.Field {
	if err, ok := f.Interface.(error); ok && f.Type == zapcore.ErrorType {
		return []zapcore.Field{zap.String(f.Key, ErrText(err))}
	}
	if list, ok := f.Interface.([]error); ok || isErrors(f) {
		return []zapcore.Field{zap.Strings(f.Key, errTexts(list, f.Interface))}
	}
	if text, ok := f.Interface.(fmt.Stringer); ok && f.Type == zapcore.StringerType && !spellsThing(text) {
		return []zapcore.Field{zap.String(f.Key, fmt.Sprintf("refused: %T", text))}
	}
	return redactObject(f)
}

// spellsThing reports whether a Stringer can only name a thing: constants and fixed bytes (an id), and what the
// standard library has for networks and time. A struct may spell out a person.
func spellsThing(text fmt.Stringer) bool {
	t := reflect.TypeOf(text)
	switch t.Kind() { // all others may hold text
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	case reflect.Array:
		return t.Elem().Kind() == reflect.Uint8
	case reflect.Pointer:
		t = t.Elem()
	}
	return slices.Contains([]string{"net", "net/netip", "time"}, t.PkgPath())
}

// isPlain knows the types that cannot hold text. Numbers are let through: an amount, a position or a duration may
// well have twelve digits, and a number that is somebody's is under a denied key.
func isPlain(t zapcore.FieldType) bool {
	switch t { // what is not listed is looked at
	case zapcore.BoolType, zapcore.DurationType, zapcore.TimeType, zapcore.TimeFullType, zapcore.UintptrType,
		zapcore.Int64Type, zapcore.Int32Type, zapcore.Int16Type, zapcore.Int8Type,
		zapcore.Uint64Type, zapcore.Uint32Type, zapcore.Uint16Type, zapcore.Uint8Type,
		zapcore.Float64Type, zapcore.Float32Type, zapcore.Complex128Type, zapcore.Complex64Type:
		return true
	}
	return false
}

// isErrors recognises zap.Errors, whose element type is not exported and whose elements write "%+v" as well.
func isErrors(f zapcore.Field) bool {
	t := reflect.TypeOf(f.Interface)
	return t != nil && t.Kind() == reflect.Slice && t.Elem() == reflect.TypeFor[error]()
}

func errTexts(list []error, otherwise any) []string {
	if list == nil {
		list, _ = reflect.ValueOf(otherwise).Convert(reflect.TypeFor[[]error]()).Interface().([]error)
	}
	texts := make([]string, 0, min(len(list), longest))
	for _, err := range list[:min(len(list), longest)] {
		texts = append(texts, ErrText(err))
	}
	return texts
}

// redactObject lets the field write itself into a map, and writes what is harmless in it.
func redactObject(f zapcore.Field) []zapcore.Field {
	written := zapcore.NewMapObjectEncoder()
	f.AddTo(written)
	out := make([]zapcore.Field, 0, len(written.Fields))
	for _, key := range slices.Sorted(maps.Keys(written.Fields)) {
		out = append(out, zap.Reflect(key, harmless(key, written.Fields[key], 0)))
	}
	return out
}

// harmless returns what may be written of a value under a key.
func harmless(key string, value any, depth int) any {
	switch {
	case Denied(key):
		return hidden
	case depth > deepest:
		return "refused: nested too deeply"
	}
	switch v := value.(type) {
	case map[string]any:
		return harmlessMap(v, depth)
	case map[string]string:
		return harmlessMap(v, depth)
	case []any:
		return harmlessList(v, depth)
	case []string:
		return harmlessList(v, depth)
	}
	return harmlessScalar(value)
}

func harmlessMap[V any](m map[string]V, depth int) map[string]any {
	out := make(map[string]any, min(len(m), longest))
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i == longest {
			out["..."] = fmt.Sprintf("%d more", len(m)-longest)
			break
		}
		out[Scrub(key)] = harmless(key, m[key], depth+1) // a key may be a value: {"079203001234": ...}
	}
	return out
}

func harmlessList[V any](list []V, depth int) []any {
	out := make([]any, 0, min(len(list), longest))
	for i, v := range list {
		if i == longest {
			return append(out, fmt.Sprintf("%d more", len(list)-longest))
		}
		out = append(out, harmless("", v, depth+1))
	}
	return out
}

func harmlessScalar(value any) any {
	switch v := value.(type) {
	case nil, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, uintptr:
		return v
	case float64:
		return finite(v)
	case float32:
		return finite(float64(v))
	case string:
		return Scrub(v)
	case []byte:
		return fmt.Sprintf("%d bytes", len(v))
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case time.Duration:
		return v.String()
	case error:
		return ErrText(v)
	}
	return fmt.Sprintf("refused: %T", value)
}

// finite keeps JSON writable: it knows no NaN.
func finite(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Sprint(f)
	}
	return f
}
