package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func TestEveryPageOfAListIsRead(t *testing.T) {
	t.Parallel()
	c, s := start(t, says(`{"items":[{"id":"1"},{"id":"2"}],"next_cursor":"x y"}`), says(`{"items":[{"id":"3"}]}`))
	type item struct {
		ID string `json:"id"`
	}
	got, err := List[item](t.Context(), c, Call{Path: "/things", Token: "t", After: 7}, url.Values{"unit": {"00004"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]item{{"1"}, {"2"}, {"3"}}, got); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	want := []string{"GET|/things?limit=200&unit=00004|Bearer t|||7|", "GET|/things?cursor=x+y&limit=200&unit=00004|Bearer t|||7|"}
	if diff := cmp.Diff(want, s.sent); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestABatchComesAgainAsItWasUntilEveryLineHasItsVerdict(t *testing.T) {
	t.Parallel()
	first := `{"index":0,"status":201,"thing":{"id":"a"}}` + "\n"
	refused := `{"index":1,"status":422,"problem":{"code":"invalid","errors":[{"pointer":"/x","code":"required"}]}}` + "\n"
	full := `{"index":1,"status":503,"problem":{"code":"overloaded"}}` + "\n"
	c, s := start(t, says(first+full), says(first), says(first+`{"index":`), says(first+refused))
	got, err := c.Batch(t.Context(), Call{Path: "/batch", Key: "k"}, "thing", []any{map[string]int{"n": 1}, map[string]int{"n": 2}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || string(got[0].Answer) != `{"id":"a"}` || got[0].Problem != nil || got[1].Problem.String() != "invalid required/x" {
		t.Errorf("verdicts %+v", got)
	}
	if len(s.sent) != 4 {
		t.Fatalf("it was sent %d times", len(s.sent))
	}
	for _, sent := range s.sent {
		if sent != "POST|/batch|Bearer|k|application/x-ndjson||{\"n\":1}\n{\"n\":2}\n" {
			t.Errorf("sent %s", sent)
		}
	}
}

func TestABatchThatIsRefusedAsAWholeIsNotSentAgain(t *testing.T) {
	t.Parallel()
	c, s := start(t, status(http.StatusForbidden))
	_, err := c.Batch(t.Context(), Call{Path: "/batch"}, "thing", []any{1})
	refusal, refused := errors.AsType[*Refusal](err)
	if !refused || refusal.Status != http.StatusForbidden || len(s.sent) != 1 {
		t.Fatalf("%v after %d requests", err, len(s.sent))
	}
}

func TestAChangeIsDoneWhateverItIsCalled(t *testing.T) {
	t.Parallel()
	c, _ := start(t, status(http.StatusCreated), status(http.StatusOK), status(http.StatusConflict))
	for _, want := range []string{"1", "1", ""} {
		var changed struct {
			ID string `json:"id"`
		}
		_, err := c.Change(t.Context(), Call{Path: "/x"}, struct{}{}, &changed)
		if changed.ID != want || (err == nil) != (want != "") {
			t.Errorf("%+v, %v", changed, err)
		}
	}
}

func TestEachStopsAtTheFirstError(t *testing.T) {
	t.Parallel()
	var done atomic.Int64
	if err := Each(t.Context(), 3, 100, func(context.Context, int) error { done.Add(1); return nil }); err != nil || done.Load() != 100 {
		t.Fatalf("%d of 100, %v", done.Load(), err)
	}
	broken := errors.New("broken")
	if err := Each(t.Context(), 3, 1_000_000, func(_ context.Context, i int) error {
		if i == 10 {
			return broken
		}
		return nil
	}); !errors.Is(err, broken) {
		t.Fatal(err)
	}
}

func TestARefusalNamesCodesAndNoValues(t *testing.T) {
	t.Parallel()
	var p Problem
	text := `{"code":"invalid","detail":"Nguyễn Văn An","errors":[{"pointer":"/person/full_name","code":"required","message":"An"}]}`
	if err := json.Unmarshal([]byte(text), &p); err != nil || strings.Contains(p.String(), "An") {
		t.Fatalf("%s, %v", p, err)
	}
}
