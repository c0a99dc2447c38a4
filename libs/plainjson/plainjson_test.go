package plainjson

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Deep is embedded where it is plain, and hidden where it is not.
type Deep struct {
	Depth  int  `json:"depth"`
	Sunken bool `json:"sunken,omitzero"`
}

type hidden struct {
	Depth int `json:"depth"`
}

type Word string

type inner struct {
	A string   `json:"a"`
	N int32    `json:"n,omitzero"`
	L []string `json:"l,omitempty"`
}

type spelt string

type shouted struct {
	Word string `json:"word"`
}

func (s shouted) MarshalText() ([]byte, error) { return []byte(strings.ToUpper(s.Word)), nil }

// everything is all that is plain.
type everything struct {
	Deep
	Text  string     `json:"text"`
	Spelt spelt      `json:"spelt,omitempty"`
	Whole int64      `json:"whole"`
	Yes   bool       `json:"yes,omitzero"`
	At    time.Time  `json:"at"`
	Then  time.Time  `json:"then,omitzero"`
	Once  *time.Time `json:"once,omitzero"`
	In    inner      `json:"in"`
	Far   *inner     `json:"far"`
	Near  *inner     `json:"near,omitzero"`
	Many  []inner    `json:"many"`
	Words []string   `json:"words"`
	Not   string     `json:"-"`
}

// twice has two fields of one name.
func twice() any {
	n := reflect.TypeFor[int]()
	return reflect.Zero(reflect.StructOf([]reflect.StructField{
		{Name: "A", Type: n, Tag: `json:"a"`}, {Name: "B", Type: n, Tag: `json:"b"`}, {Name: "C", Type: n, Tag: `json:"a"`},
	})).Interface()
}

// values are of types that are plain, and of those that are not.
func values() []any {
	return []any{
		everything{},
		&everything{},
		inner{},
		[]inner{},
		"", int(0), false,
		time.Time{},
		(*inner)(nil), []string(nil),
		[][]string{},
		struct {
			Loud shouted `json:"loud"`
		}{},
		struct {
			Loud *shouted `json:"loud"`
		}{},
		struct{}{},
		struct {
			L []string `json:"l,omitempty"`
		}{},
		struct{ hidden }{},
		struct{ *Deep }{},
		struct{ Word }{},
		struct {
			Word `json:"word"`
		}{},
		struct {
			Deep  `json:"named"`
			Other int `json:"depth"`
		}{},
		struct {
			Deep
			Nearer string `json:"depth"`
		}{},
		twice(),
		struct {
			F float64 `json:"f"`
		}{},
		struct {
			B []byte `json:"b"`
		}{},
		struct {
			M map[string]int `json:"m"`
		}{},
		struct {
			N int `json:"n,omitempty"`
		}{},
		struct {
			N int `json:"n,string"`
		}{},
		struct {
			Untagged int
		}{},
		struct {
			Same int `json:"a"`
			Case int `json:"A"`
		}{},
		struct {
			Any any `json:"any"`
		}{},
		struct {
			Raw json.RawMessage `json:"raw"`
		}{},
		struct {
			P *inner `json:"p,omitempty"`
		}{},
		struct {
			U uint8 `json:"u"`
		}{},
		struct {
			Yes  bool      `json:"yes,omitempty"`
			Once *int      `json:"once,omitempty"`
			In   inner     `json:"in,omitempty"`
			At   time.Time `json:"at,omitempty"`
			Day  int8      `json:"day,omitempty"`
		}{},
	}
}

// Whatever is written is what the library writes, to the byte; what the library refuses is refused.
func TestWhatIsWrittenIsWhatTheLibraryWrites(t *testing.T) {
	t.Parallel()
	libraries := map[string]struct {
		encoder *Encoder
		library func(any) ([]byte, error)
	}{
		"standard": {Standard(), json.Marshal},
		"strict":   {Strict(), func(v any) ([]byte, error) { return jsonv2.Marshal(v, jsonv2.Deterministic(true)) }},
	}
	for name, l := range libraries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				v := reflect.New(reflect.TypeOf(rapid.SampledFrom(values()).Draw(t, "type"))).Elem()
				fill(t, v, 0)
				want, wantErr := l.library(v.Interface())
				got, err := l.encoder.Append([]byte("before "), v.Interface())
				if (err == nil) != (wantErr == nil) {
					t.Fatalf("%s: got %v, the library says %v", v.Type(), err, wantErr)
				}
				if diff := cmp.Diff("before "+string(want), string(got)); err == nil && diff != "" {
					t.Fatalf("%s (-library +ours):\n%s", v.Type(), diff)
				}
			})
		})
	}
}

// texts are plain or one character away from it.
func texts() []string {
	return []string{
		"", "plain", "Nguyễn Văn An", "Điều 30 & 31", `quo"ted`, `back\slash`, "<b>", "tab\t", "nul\x00", "del\x7f", "broken\xff", "\xe1\xbb",
		"line\u2028", "para\u2029", "real \ufffd", "𠀀", "ngõ 5, phường Ngọc Hà", "a>b", "\u0080", "ok~",
	}
}

func times() []time.Time {
	return []time.Time{
		{},
		time.Date(2026, 11, 22, 14, 3, 4, 123_456_000, time.UTC), time.Date(2026, 11, 22, 14, 3, 4, 0, time.FixedZone("", 7*3600)),
		time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 1, 1, 0, 0, 0, 1, time.FixedZone("", 24*3600)), time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3601)),
	}
}

// fill gives v any value, mostly a plain one.
func fill(t *rapid.T, v reflect.Value, depth int) {
	const deepest, most = 4, 3
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(pick(t, times(), "time")))
	case v.Type() == reflect.TypeFor[json.RawMessage]():
		v.SetBytes([]byte(rapid.SampledFrom([]string{`{"a":1}`, `[1, 2]`, `"x"`}).Draw(t, "raw")))
	case v.Kind() == reflect.String:
		v.SetString(pick(t, texts(), "text"))
	case v.CanInt():
		v.SetInt(rapid.Int64Range(-2, 100).Draw(t, "n"))
	case v.CanUint():
		v.SetUint(rapid.Uint64Range(0, 9).Draw(t, "u"))
	case v.Kind() == reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case v.Kind() == reflect.Float64:
		v.SetFloat(rapid.SampledFrom([]float64{0, 1.5, 1e21}).Draw(t, "f"))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				fill(t, f, depth+1)
			}
		}
	case depth > deepest || rapid.Bool().Draw(t, "nothing"):
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), depth+1)
	case v.Kind() == reflect.Slice:
		n := rapid.IntRange(0, most).Draw(t, "length")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, v.Index(i), depth+1)
		}
	case v.Kind() == reflect.Map:
		v.Set(reflect.ValueOf(map[string]int{"b": 1, "a": 2}))
	}
}

// pick takes the second of a list nine times in ten: one odd text, and a value is not plain any more.
func pick[T any](t *rapid.T, list []T, label string) T {
	if rapid.IntRange(0, 9).Draw(t, label+" is usual") > 0 {
		return list[1]
	}
	return rapid.SampledFrom(list).Draw(t, label)
}

func TestWhatIsPlainIsNotLeftToTheLibrary(t *testing.T) {
	t.Parallel()
	for _, e := range []*Encoder{Standard(), Strict()} {
		if !e.Plain(everything{}) || !e.Plain([]*everything{}) || e.Plain(map[string]int{}) || e.Plain(struct{ F float64 }{}) {
			t.Error("not everything is plain that should be, or more")
		}
		e.slow = func(any) ([]byte, error) { return nil, errors.New("the library was asked") }
		if _, err := e.Append(nil, notified()); err != nil {
			t.Error(err)
		}
		if _, err := e.Append(nil, inner{A: "broken\xff"}); err == nil {
			t.Error("what is not plain was not left to the library")
		}
	}
}

// notified is as large as a notice.
func notified() everything {
	at := time.Date(2026, 11, 22, 14, 3, 4, 123_456_000, time.UTC)
	const id = "123e4567-e89b-12d3-a456-426614174000"
	stay := inner{A: id, N: 12, L: []string{id, "Luật Cư trú 2020, Điều 30"}}
	return everything{
		Text: id, Spelt: "hotel", Whole: 45, At: at, Then: at, Once: &at, In: stay, Far: &stay, Many: []inner{stay}, Words: []string{"VNM", "citizen_id"},
	}
}

func BenchmarkANotice(b *testing.B) {
	fact := notified()
	b.Run("ours", func(b *testing.B) {
		e := Standard()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.Append(make([]byte, 0, 768), fact); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(fact); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("version 2", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := jsonv2.Marshal(fact, jsonv2.Deterministic(true)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
