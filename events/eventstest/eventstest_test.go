package eventstest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/eventstest"
)

type place struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

type arrived struct {
	Guest  string         `json:"guest"`
	At     time.Time      `json:"at"`
	Place  place          `json:"place"`
	Notes  []place        `json:"notes,omitempty"`
	Counts map[string]int `json:"counts,omitempty"`
	Parent *place         `json:"parent,omitempty"`
}

func (arrived) EventName() string { return "inn.arrived.v2" }

type arrivedOld struct {
	Guest string `json:"guest"`
}

func (arrivedOld) EventName() string { return "inn.arrived.v1" }

func (a arrivedOld) Upcast() events.Event { return arrived{Guest: a.Guest} }

type stayed struct{}

func (stayed) EventName() string { return "inn.stayed.v1" }

const full = `{
  "guest": "g1",
  "at": "2026-11-21T14:05:00+07:00",
  "place": {
    "code": "00004",
    "name": "x"
  },
  "notes": [
    {
      "code": "n",
      "name": "x"
    }
  ],
  "counts": {
    "beds": 2
  },
  "parent": {
    "code": "p",
    "name": "x"
  }
}
`

const fullOld = `{
  "guest": "g1"
}
`

func TestEveryShapeWithAFullGoldenPasses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "inn.arrived.v1", fullOld)
	write(t, dir, "inn.arrived.v2", full)
	eventstest.Goldens(t, dir, []events.Event{arrived{}, arrivedOld{}})
}

func TestCheckSaysWhatIsWrongWithAGolden(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, golden, want string }{
		{"a fact without a golden", "", "has no golden"},
		{"a golden that is not JSON", "{", "unexpected EOF"},
		{"a field that the fact does not have", `{"guest":"g","stranger":1}`, "unknown field"},
		{"an empty field", strings.Replace(full, `"g1"`, `""`, 1), "leaves fields empty: .Guest"},
		{"an empty field further down", strings.Replace(full, `"00004"`, `""`, 1), "leaves fields empty: .Place.Code"},
		{"an empty field in a list", strings.Replace(full, `"n"`, `""`, 1), "leaves fields empty: .Notes[0].Code"},
		{"an empty field in a map", strings.Replace(full, `: 2`, `: 0`, 1), "leaves fields empty: .Counts[beds]"},
		{"an empty field behind a pointer", strings.Replace(full, `"p"`, `""`, 1), "leaves fields empty: .Parent.Code"},
		{"an empty list", strings.Replace(full, "{\n      \"code\": \"n\",\n      \"name\": \"x\"\n    }", "", 1), "leaves fields empty: .Notes"},
		{"another way to write the same", strings.ReplaceAll(full, "\n", ""), "not the same when read and written again"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if c.golden != "" {
				write(t, dir, "inn.arrived.v2", c.golden)
			}
			err := eventstest.Check(dir, arrived{}, events.NewCatalog([]events.Event{arrived{}}))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestAnOldShapeMustBecomeAKnownOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "inn.arrived.v1", fullOld)
	catalog := events.NewCatalog([]events.Event{arrivedOld{}, stayed{}})
	err := eventstest.Check(dir, arrivedOld{}, catalog)
	if err == nil || !strings.Contains(err.Error(), "which the catalog does not know") {
		t.Fatalf("got %v", err)
	}
}

func TestAFactMustBeInItsOwnCatalog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "inn.arrived.v2", full)
	err := eventstest.Check(dir, arrived{}, events.Catalog{})
	if err == nil || !strings.Contains(err.Error(), "through the catalog") {
		t.Fatalf("got %v", err)
	}
}

func TestAGoldenWhoseFactWasDeletedIsFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "inn.gone.v1", fullOld)
	if err := eventstest.Orphans(dir, events.NewCatalog([]events.Event{arrived{}})); err == nil {
		t.Fatal("the orphan was not found")
	}
}

func write(t *testing.T, dir, name, golden string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(golden), 0o600); err != nil {
		t.Fatal(err)
	}
}
