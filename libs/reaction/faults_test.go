package reaction

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/problem"
)

func TestWhatIsKeptOfAnErrorHoldsNoValue(t *testing.T) {
	t.Parallel()
	var number struct{ N int }
	malformed := json.Unmarshal([]byte(`{"N":"001090123456"}`), &number)
	cases := []struct {
		err  error
		code string
	}{
		{fmt.Errorf("give: %w", problem.Reject("stay_ended", "the stay has ended", "")), "stay_ended"},
		{&undecodableError{&kafkabus.BodyError{Type: "desk.noted.v1", Reason: "is no JSON"}}, "undecodable"},
		{safely(func() error { panic("Nguyễn Văn An") }), "panic"},
		{safely(func() error { panic(errors.New("001090123456")) }), "panic"},
		{&pgconn.PgError{Code: "23505", Message: "x", Detail: "Key (number)=(001090123456) already exists"}, "sql_23505"},
		{malformed, "error"},
		{errors.New("odd \x00 bytes \xff"), "error"},
	}
	for _, c := range cases {
		code, text := describe(c.err)
		if code != c.code {
			t.Errorf("%v has code %q, want %q", c.err, code, c.code)
		}
		if strings.Contains(text, "001090123456") || strings.Contains(text, "Nguyễn") || strings.Contains(text, "\x00") || !utf8.ValidString(text) {
			t.Errorf("the text of %T is %q", c.err, text)
		}
	}
}

func TestAPanicIsFoundWhereItHappened(t *testing.T) {
	t.Parallel()
	var list []int
	err := safely(func() error { return errors.New(fmt.Sprint(list[3])) })
	fault, ok := errors.AsType[*panicError](err)
	if !ok || !strings.HasPrefix(fault.place, "github.com/songan-vn/songan/libs/reaction.TestAPanicIsFoundWhereItHappened") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff("runtime.boundsError", fault.kind); diff != "" {
		t.Errorf("kind (-want +got):\n%s", diff)
	}
}
