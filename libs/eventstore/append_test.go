package eventstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/vault"
)

func TestFactsGetTheNextVersionsAndPositions(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	as := events.Meta{
		Cause: "key-1", Correlation: "start", Actor: "officer:7", Trace: "00-1-2-01", Fingerprint: "print", OccurredAt: noon(),
	}
	first := mustAppend(t, s, of("till-a", 0, put{1}))
	second := mustAppend(t, s, eventstore.Append{Stream: "till-b", Facts: []events.Event{put{2}, closed{}}, Meta: as})
	third := mustAppend(t, s, of("till-a", 1, noted{"Đỗ Thị Ánh"}))

	want := []events.Recorded{
		{Position: 1, Stream: "till-a", Version: 1, Meta: events.Meta{Cause: "c", OccurredAt: noon()}, Event: put{1}},
		{Position: 2, Stream: "till-b", Version: 1, Meta: as, Event: put{2}},
		{Position: 3, Stream: "till-b", Version: 2, Meta: as, Event: closed{}},
		{Position: 4, Stream: "till-a", Version: 2, Meta: events.Meta{Cause: "c", OccurredAt: noon()}, Event: noted{"Đỗ Thị Ánh"}},
	}
	for i, r := range [][]events.Recorded{first, second[:1], second[1:], third} {
		want[i].RecordedAt = r[0].RecordedAt
		if age := time.Since(r[0].RecordedAt); age < 0 || age > time.Minute {
			t.Errorf("position %d was recorded %s ago", i+1, age)
		}
	}
	same(t, "answers", want, append(append(append([]events.Recorded{}, first...), second...), third...))
	same(t, "log", want, everything(t, s))
	same(t, "stream", []events.Recorded{want[0], want[3]}, mustLoad(t, s, "till-a"))
}

func TestAnotherVersionIsAConflict(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	mustAppend(t, s, of("till-a", 0, put{1}, put{2}))
	for _, expected := range []int{0, 1, 3, 99} {
		if _, err := s.Append(t.Context(), of("till-a", expected, put{3})); !errors.Is(err, eventstore.ErrConflict) {
			t.Errorf("expecting version %d: got %v, want a conflict", expected, err)
		}
	}
	if _, err := s.Append(t.Context(), of("till-new", 1, put{3})); !errors.Is(err, eventstore.ErrConflict) {
		t.Errorf("a new stream at version 1: got %v, want a conflict", err)
	}
	same(t, "log", []events.Event{put{1}, put{2}}, said(everything(t, s)))
}

func TestOneFailingCommandOf500LeavesTheOthersAccepted(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]eventstore.Append{
		"a conflict":                  of("till-taken", 7, put{1}),
		"a stream that is not new":    of("till-taken", 0, put{1}),
		"a NUL in a text":             of("till-bad", 0, noted{"a\x00b"}),
		"half a surrogate pair":       of("till-bad", 0, raw{json.RawMessage(`"\ud800"`)}),
		"the other half of one":       of("till-bad", 0, raw{json.RawMessage(`"\udc00\ud800"`)}),
		"a vault reference no uuid":   withSecret("till-bad", "not-a-uuid"),
		"a vault reference used once": withSecret("till-bad", takenRef),
		"a fact outside the catalog":  of("till-bad", 0, foreign{}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const commands, at = 500, 317
			s := open(t, fresh(t))
			mustAppend(t, s, withSecret("till-taken", takenRef))
			all := make([]eventstore.Append, commands)
			for i := range all {
				all[i] = of(fmt.Sprintf("till-%d", i), 0, put{i})
			}
			all[at] = bad
			results, err := s.AppendAll(t.Context(), all)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range results {
				if i == at && r.Err == nil {
					t.Errorf("command %d was accepted", i)
				}
				if i != at && (r.Err != nil || len(r.Recorded) != 1) {
					t.Errorf("command %d: %v", i, r.Err)
				}
			}
			if got := len(everything(t, s)); got != commands-1+1 {
				t.Errorf("the log has %d facts, want %d and the one before", got, commands-1)
			}
		})
	}
}

const takenRef = vault.Ref("0192f0c1-d2e3-7abc-8def-0123456789ab")

func withSecret(stream string, ref vault.Ref) eventstore.Append {
	a := of(stream, 0, put{1})
	a.Secrets = []vault.Row{{Ref: ref, Purpose: "test", Key: "2026-11", Ciphertext: []byte{1}}}
	return a
}

func TestAnErrorOfTheDatabaseIsToldByItsCodeAlone(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	_, err := s.Append(t.Context(), withSecret("till-a", "Nguyễn Văn Kín"))
	if !errors.Is(err, eventstore.ErrUnstorable) || !strings.Contains(err.Error(), "22P02") {
		t.Errorf("got %v, want unstorable with its SQLSTATE", err)
	}
	if strings.Contains(err.Error(), "Kín") || pg.Code(err) != "" {
		t.Errorf("the error says what the fact holds, or leads to it: %v", err)
	}
}

func TestWhatCannotBeAppendedIsSaidBeforeItIsQueued(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	for want, a := range map[string]eventstore.Append{
		"stream's name":      of("", 0, put{1}),
		"1 to 200 bytes":     of(strings.Repeat("s", 201), 0, put{1}),
		"bytes of text":      of("a\x00b", 0, put{1}),
		"name is 1":          of("a\xff", 0, put{1}),
		"negative version":   of("till", -1, put{1}),
		"nothing to append":  of("till", 0),
		"not in the catalog": of("till", 0, foreign{}),
		"encode fact":        of("till", 0, raw{json.RawMessage(`{`)}),
		"more than one":      of("till", 0, noted{strings.Repeat("x", 33<<20)}),
	} {
		if _, err := s.Append(t.Context(), a); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %.200v, want an error that says %q", err, want)
		}
	}
}

func TestAppendsOfOneCallToOneStreamAreTriedInOrder(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	const each = 700 // more than one chunk
	var all []eventstore.Append
	for i := range each {
		all = append(all, of("till-a", i, put{i}), of("till-b", 2*i, put{i}, put{-i}), of("till-a", 0, put{-1}))
	}
	results, err := s.AppendAll(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		conflict := i%3 == 2 // till-a is not new any more
		if errors.Is(r.Err, eventstore.ErrConflict) != conflict || (r.Err == nil) == conflict {
			t.Fatalf("append %d: %v", i, r.Err)
		}
	}
	if a, b := len(mustLoad(t, s, "till-a")), len(mustLoad(t, s, "till-b")); a != each || b != 2*each {
		t.Errorf("the streams have %d and %d facts, want %d and %d", a, b, each, 2*each)
	}
}

func TestSecretsAreStoredWithTheirFactsOrNotAtAll(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s := open(t, pool)
	full := vault.Row{
		Ref: vault.Ref(uuid.NewString()), Purpose: "stay_guest", Key: "2026-11", Ciphertext: []byte("sealed"),
		DocumentIndex: []byte("doc"), NameIndex: []byte("name"), ExpiresAt: noon().Truncate(time.Microsecond),
	}
	bare := vault.Row{Ref: vault.Ref(uuid.NewString()), Purpose: "note", Key: "2026-12", Ciphertext: []byte{}}
	refused := vault.Row{Ref: vault.Ref(uuid.NewString()), Purpose: "note", Key: "2026-12", Ciphertext: []byte{1}}
	a := of("till-a", 0, put{1})
	a.Secrets = []vault.Row{full, bare}
	mustAppend(t, s, a)
	a.Secrets = []vault.Row{refused}
	if _, err := s.Append(t.Context(), a); !errors.Is(err, eventstore.ErrConflict) {
		t.Fatal(err)
	}

	rows, err := pool.Query(t.Context(), `select ref::text, purpose, key, ciphertext, document_index, name_index, expires_at
		from vault order by purpose desc`)
	if err != nil {
		t.Fatal(err)
	}
	var got []vault.Row
	for rows.Next() {
		var r vault.Row
		var expires *time.Time
		if err := rows.Scan(&r.Ref, &r.Purpose, &r.Key, &r.Ciphertext, &r.DocumentIndex, &r.NameIndex, &expires); err != nil {
			t.Fatal(err)
		}
		if expires != nil {
			r.ExpiresAt = *expires
		}
		got = append(got, r)
	}
	if diff := cmp.Diff([]vault.Row{full, bare}, got); diff != "" {
		t.Errorf("vault (-want +got):\n%s", diff)
	}
}

func TestACallerWhoLeavesBeforeItsTurnHasStoredNothing(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s := open(t, pool)
	release := occupy(t, pool, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Append(ctx, of("till-late", 0, put{1}))
	if !errors.Is(err, context.Canceled) || errors.Is(err, eventstore.ErrUnknown) {
		t.Errorf("got %v, want the context's error and nothing unknown", err)
	}
	release()
	same(t, "stream of the caller who left", []events.Recorded{}, mustLoad(t, s, "till-late"))
}

func TestACallerWhoLeavesAfterItsTurnIsToldThatTheOutcomeIsUnknown(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s := open(t, pool)
	release := hold(t, pool)
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error, 1)
	go func() {
		_, err := s.Append(ctx, of("till-a", 0, put{1}))
		answer <- err
	}()
	waitFor(t, pool)
	cancel()
	if err := <-answer; !errors.Is(err, eventstore.ErrUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want an unknown outcome because of the context", err)
	}
	release()
	if _, err := s.Append(t.Context(), of("till-b", 0, put{1})); err != nil {
		t.Fatal(err)
	}
	same(t, "stream", []events.Event{put{1}}, said(mustLoad(t, s, "till-a")))
}
