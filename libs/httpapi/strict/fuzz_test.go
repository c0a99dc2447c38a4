package strict_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/songan-vn/songan/libs/httpapi/strict"
	"github.com/songan-vn/songan/libs/problem"
)

// FuzzRead holds the reader against the standard library's: what is malformed for one is malformed for the other, what
// is read by us is read by them, and a refusal always says why and where.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		good, good[:77], "", "null", "[]", `{"guest":{}}`, `{"guest":{"full_name":"\u0000\ud800"}}`, `{"a":{"a":{"a":[[[[]]]]}}}`,
		`{"arrived_at":"2026-02-30T00:00:00Z","arrived_at":1e999}`, "\xff\xfe{}", `{"facts":{"a":"b","a":"c"},"party":[{},{},null]}`,
		with(`"amount":-500`, `"amount":1e5,"level":{}`), "{\"guest\"\x00:1}", `{"tags":["\xff"]}`, good + " ",
	} {
		f.Add([]byte(seed))
	}
	reader := strict.For[stay]().WithRef("client_ref")
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		v, _, err := reader.ReadItem(data)
		if !bytes.Equal(before, data) {
			t.Fatal("the data was changed")
		}
		if err == nil {
			theirs := json.NewDecoder(bytes.NewReader(data))
			var w map[string]json.RawMessage
			if err := theirs.Decode(&w); err != nil {
				t.Fatalf("read %+v of %q, but %v", v, data, err)
			}
			return
		}
		p, ok := problem.Of(err)
		if !ok || len(p.Faults) == 0 || len(p.Faults) > 101 {
			t.Fatalf("%q: %v", data, err)
		}
		if malformed := p.Kind == problem.Malformed; malformed == json.Valid(data) && !deep(data) && len(p.Faults) <= 100 {
			t.Fatalf("%q: malformed is %v: %+v", data, malformed, p.Faults)
		}
	})
}

// deep tells whether the document may be too deep for one of the two readers.
func deep(data []byte) bool {
	return bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > 5000
}

// FuzzQuery: no query string is read with a fault in it, and none panics.
func FuzzQuery(f *testing.F) {
	f.Add("unit=00004&limit=3")
	f.Add("unit=%zz&&;=&kind=tourist&kind=")
	reader := strict.ForQuery[filter]()
	f.Fuzz(func(t *testing.T, raw string) {
		v, err := reader.Read(raw)
		if err == nil && (len(v.Unit) != 5 || v.Limit < 1 || v.Limit > 200) {
			t.Fatalf("%q: %+v", raw, v)
		}
	})
}
