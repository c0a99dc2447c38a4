package accommodation_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/service/servicetest"
)

// Whatever is wrong is said at once, nothing is repeated, and nothing is stored.
func TestBadInput(t *testing.T) {
	t.Parallel()
	h := open(t)
	before := held(t, h)
	const secret = "Nguyễn Bí Mật"
	good := `{"guest":{"full_name":"` + secret + `","birth_date":"1990-01-15","sex":"male","nationality":"VNM",` +
		`"document":{"type":"citizen_id","number":"001090123456"}},"arrived_at":"2026-11-21T13:00:00+07:00","reason":"tourism"}`
	edit := func(old, changed string) string { return strings.Replace(good, old, changed, 1) }

	for _, c := range []struct {
		name, body string
		status     int
		faults     []string
	}{
		{"cut off", good[:len(good)-20], http.StatusBadRequest, nil},
		{"nothing", "", http.StatusBadRequest, nil},
		{"not an object", "[1]", http.StatusUnprocessableEntity, []string{"wrong_type"}},
		{"too deep", `{"guest":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}", http.StatusUnprocessableEntity, nil},
		{"a member twice", edit(`"reason":"tourism"`, `"reason":"tourism","reason":"work"`), http.StatusUnprocessableEntity, []string{"/reason duplicate_key"}},
		{"an unknown member", edit(`"sex"`, `"gender":"x","sex"`), http.StatusUnprocessableEntity, []string{"/guest/gender unknown_field"}},
		{"a NUL", edit(`"tourism"`, `"tourism","room":"1\u00001"`), http.StatusUnprocessableEntity, []string{"/room nul_character"}},
		{"broken UTF-8", edit("Nguy", "Nguy\xff"), http.StatusUnprocessableEntity, []string{"/guest/full_name invalid_utf8"}},
		{"an impossible date", edit("1990-01-15", "1990-02-30"), http.StatusUnprocessableEntity, []string{"/guest/birth_date impossible_date"}},
		{
			"the other sex and another year", edit(`"male"`, `"female"`), http.StatusUnprocessableEntity,
			[]string{"/guest/document/number citizen_id_sex_mismatch"},
		},
		{
			"a future arrival of somebody not yet born", strings.Replace(edit("1990-01-15", "2027"), "2026-11-21T13", "2026-12-21T13", 1),
			http.StatusUnprocessableEntity,
			[]string{"/arrived_at arrived_in_future", "/guest/birth_date birth_date_in_future", "/guest/document/number citizen_id_year_mismatch"},
		},
		{
			"everything missing", `{"guest":{"document":{}}}`, http.StatusUnprocessableEntity,
			[]string{
				"/arrived_at required", "/guest/birth_date required", "/guest/document/type required", "/guest/full_name required",
				"/guest/nationality required", "/guest/sex required", "/reason required",
			},
		},
		{
			"people where rooms belong", edit(`"tourism"`, `"tourism","room":"001090123456","group":"g.0912345678"`), http.StatusUnprocessableEntity,
			[]string{"/group looks_like_a_person", "/room looks_like_a_person"},
		},
		{"a companion who is not here", edit(`"tourism"`, `"tourism","accompanied_by":"nobody"`), http.StatusUnprocessableEntity, []string{"/accompanied_by accompanied_by_unknown"}},
		{"larger than the limit", `{"guest":"` + strings.Repeat("x", 1<<20) + `"}`, http.StatusRequestEntityTooLarge, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {fmt.Sprintf("bad-%d-%d", len(c.name), c.status)}}
			refused := h.Send(t, servicetest.Request{Method: http.MethodPost, Actor: "hotel", Path: "/notices", Header: header, Body: []byte(c.body)})
			refused.Want(t, c.status)
			if bytes.Contains(refused.Body, []byte("Nguy")) || bytes.Contains(refused.Body, []byte("001090")) {
				t.Fatalf("the answer repeats a value: %s", refused.Body)
			}
			if c.faults == nil {
				return
			}
			got := refused.Faults(t)
			slices.Sort(got)
			if diff := cmp.Diff(c.faults, got); diff != "" {
				t.Fatal(diff, string(refused.Body))
			}
		})
	}
	t.Run("what stands around the body", func(t *testing.T) {
		t.Parallel()
		header := http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {"k"}}
		for name, c := range map[string]struct {
			set    http.Header
			status int
		}{
			"no key":            {http.Header{"Idempotency-Key": {""}}, http.StatusBadRequest},
			"a key of a mile":   {http.Header{"Idempotency-Key": {strings.Repeat("k", 500)}}, http.StatusBadRequest},
			"another type":      {http.Header{"Content-Type": {"text/plain"}}, http.StatusUnsupportedMediaType},
			"another character": {http.Header{"Content-Type": {"application/json; charset=windows-1258"}}, http.StatusUnsupportedMediaType},
			"packed":            {http.Header{"Content-Encoding": {"gzip"}}, http.StatusUnsupportedMediaType},
		} {
			with := header.Clone()
			maps.Copy(with, c.set)
			if a := h.Send(t, servicetest.Request{Method: http.MethodPost, Actor: "hotel", Path: "/notices", Header: with, Body: []byte(good)}); a.Status != c.status {
				t.Errorf("%s: answered %d, want %d: %s", name, a.Status, c.status, a.Body)
			}
		}
	})
	t.Cleanup(func() {
		if after := held(t, h); after != before {
			t.Errorf("facts and rows of the vault: %v before, %v after", before, after)
		}
	})
}

// held counts the facts and the rows of the vault. It is asked in cleanups, too, when the test's context has ended.
func held(t *testing.T, h *house) (count [2]int) {
	t.Helper()
	const query = `select (select count(*) from events), (select count(*) from vault)`
	if err := h.Pool.QueryRow(context.WithoutCancel(t.Context()), query).Scan(&count[0], &count[1]); err != nil {
		t.Fatal(err)
	}
	return count
}

func TestABatchHasAVerdictForEachLine(t *testing.T) {
	t.Parallel()
	h := open(t)
	line := func(name, number string) string {
		return `{"client_ref":"r-` + number + `","guest":{"full_name":"` + name + `","birth_date":"1990-01-15","sex":"male","nationality":"VNM",` +
			`"document":{"type":"citizen_id","number":"` + number + `"}},"arrived_at":"2026-11-21T13:00:00+07:00","reason":"tourism"}`
	}
	body := strings.Join([]string{line("An", "001090123456"), line("Sai", "001190123456"), "{", line("Bình", "001090123457")}, "\n")
	header := http.Header{"Content-Type": {"application/x-ndjson"}, "Idempotency-Key": {"evening"}}

	verdicts := func() []string {
		answer := h.Send(t, servicetest.Request{Method: http.MethodPost, Actor: "hotel", Path: "/notices/batch", Header: header, Body: []byte(body)})
		answer.Want(t, http.StatusOK)
		var lines []string
		for l := range strings.Lines(string(answer.Body)) {
			status := l[strings.Index(l, `"status":`)+len(`"status":`):]
			lines = append(lines, status[:3])
		}
		return lines
	}
	if diff := cmp.Diff([]string{"201", "422", "422", "201"}, verdicts()); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff([]string{"200", "422", "422", "200"}, verdicts()); diff != "" {
		t.Fatalf("the same batch again: %s", diff)
	}
	array := h.Post(t, "hotel", "/notices/batch", "array", []any{stayOf(guestOf("Lê Thị Cúc")), object{}})
	array.Want(t, http.StatusOK)
	var done struct {
		Accepted, Rejected int
		Items              []struct{ Index, Status int }
	}
	array.Into(t, &done)
	if done.Accepted != 1 || done.Rejected != 1 || done.Items[1].Status != http.StatusUnprocessableEntity {
		t.Fatalf("%s", array.Body)
	}
}
