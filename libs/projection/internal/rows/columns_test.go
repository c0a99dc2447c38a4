package rows

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAStructThatIsNoRowIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		row  any
		want string
	}{
		"without a key": {struct {
			A string `db:"a"`
		}{}, "0 key columns"},
		"with two keys": {struct {
			A string `db:"a,key"`
			B string `db:"b,key"`
		}{}, "2 key columns"},
		"a key of numbers": {struct {
			A int64 `db:"a,key"`
		}{}, "a key is a string"},
		"a key that is null": {struct {
			A string `db:"a,key,null"`
		}{}, "a key is a string"},
		"a float": {struct {
			A string  `db:"a,key"`
			B float64 `db:"b"`
		}{}, "float64 has no column type"},
		"an odd option": {struct {
			A string `db:"a,primary"`
		}{}, `"primary"`},
		"an unexported field": {struct {
			a string `db:"a,key"`
		}{}, "an exported field"},
		"no struct": {"", "a row is a struct"},
	}
	for name, c := range cases {
		if _, err := ColumnsOf(reflect.TypeOf(c.row)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestTheTimesOfARowAreSettledAsTheDatabaseKeepsThem(t *testing.T) {
	t.Parallel()
	type stay struct {
		ID   string    `db:"id,key"`
		At   time.Time `db:"at"`
		Free time.Time
	}
	columns, err := ColumnsOf(reflect.TypeFor[stay]())
	if err != nil {
		t.Fatal(err)
	}
	zone := time.FixedZone("ICT", 7*3600)
	at := time.Date(2026, 11, 21, 14, 5, 0, 123_456_789, zone)
	got := stay{At: at, Free: at}
	value := reflect.ValueOf(&got).Elem()
	SetKey(columns, value, "s1")
	Settle(columns, value)
	want := stay{ID: "s1", At: time.Date(2026, 11, 21, 7, 5, 0, 123_456_000, time.UTC), Free: at}
	if diff := cmp.Diff(want, got); diff != "" || got.At.Location() != time.UTC {
		t.Errorf("row (-want +got):\n%s", diff)
	}
}

func TestAListIsWrittenAsPostgreSQLReadsIt(t *testing.T) {
	t.Parallel()
	cases := map[string][]string{
		`{}`:                           nil,
		`{"a","b c"}`:                  {"a", "b c"},
		`{"","NULL","{x,y}"}`:          {"", "NULL", "{x,y}"},
		`{"\"quoted\"","back\\slash"}`: {`"quoted"`, `back\slash`},
	}
	for want, list := range cases {
		if got := arrayLiteral(list); got != want {
			t.Errorf("%q is written %s, want %s", list, got, want)
		}
	}
}
