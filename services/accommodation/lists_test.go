package accommodation_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/service/servicetest"
)

func TestDaysThatEndBeforeTheyBeginAreRefused(t *testing.T) {
	t.Parallel()
	h := open(t)
	tomorrow := noon.AddDate(0, 0, 1).Format(time.DateOnly)
	for path, want := range map[string][]string{
		"/notices?from=2026-11-02&to=2026-11-01":    {"/query/from from_after_to"},
		"/statistics?from=2026-11-02&to=2026-11-01": {"/query/from from_after_to"},
		"/statistics?from=" + tomorrow:              {"/query/from from_after_to"}, // without a last day it is today
		"/notices?from=" + tomorrow:                 nil,
		"/notices?from=2026-11-01&to=2026-11-01":    nil,
		"/statistics?from=2026-11-01&to=2026-11-01": nil,
		"/statistics?to=2030-01-01":                 nil,
	} {
		answer := h.Get(t, "police", path, "")
		if want == nil {
			answer.Want(t, http.StatusOK)
			continue
		}
		if diff := cmp.Diff(want, answer.Faults(t)); diff != "" || answer.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", path, answer.Status, diff)
		}
	}
}

// The police and the desk see who is still there after so many days, whatever was announced.
func TestLongStaysAreListed(t *testing.T) {
	t.Parallel()
	h := open(t)
	notified := func(key string, days int) servicetest.Answer {
		stay := stayOf(guestOf("Nguyễn Văn An"))
		stay["arrived_at"] = noon.AddDate(0, 0, -days).Format(time.RFC3339)
		delete(stay, "expected_departure")
		made := h.Post(t, "hotel", "/notices", key, stay)
		made.Want(t, http.StatusCreated)
		return made
	}
	gone, long, almost, exactly := notified("gone", 40), notified("long", 60), notified("almost", 24), notified("exactly", 25)
	last := h.Post(t, "hotel", "/notices/"+gone.Text(t, "id")+"/departure", "d", object{"departed_at": noon.AddDate(0, 0, -4)})
	last.Want(t, http.StatusOK)
	for query, want := range map[string][]servicetest.Answer{
		"25": {exactly, long}, "26": {long}, "24&status=notified": {almost, exactly, long}, "61": nil,
		"25&to=" + noon.AddDate(0, 0, -30).Format(time.DateOnly): {long}, "25&late=false": nil,
	} {
		var ids, got []string
		for _, a := range want {
			ids = append(ids, a.Text(t, "id"))
		}
		cursor := ""
		for range len(want) + 1 {
			var page struct {
				Items []noticeView
				Next  string `json:"next_cursor"`
			}
			h.Get(t, "police", "/notices?limit=1&staying_days_at_least="+query+cursor, last.Position()).Into(t, &page)
			for _, n := range page.Items {
				got = append(got, n.ID)
			}
			if page.Next == "" {
				break
			}
			cursor = "&cursor=" + page.Next
		}
		if diff := cmp.Diff(ids, got); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	for query, want := range map[string]string{"0": "staying_days_at_least out_of_range", "25&status=departed": "status status_not_staying"} {
		refused := h.Get(t, "police", "/notices?staying_days_at_least="+query, "")
		if diff := cmp.Diff([]string{"/query/" + want}, refused.Faults(t)); diff != "" || refused.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", query, refused.Status, diff)
		}
	}
	if diff := cmp.Diff([]string{"temporary_residence_required"}, warningsOf(t, long)); diff != "" {
		t.Error(diff)
	}
}

func TestAnAnswerThatLeavesSomethingOutSaysSo(t *testing.T) {
	t.Parallel()
	h := open(t)
	last := h.Post(t, "hotel", "/notices", "k", stayOf(guestOf("Nguyễn Văn An")))
	h.Get(t, "police", "/notices", last.Position()).Want(t, http.StatusOK)
	type answer struct {
		Items     int
		Truncated bool
	}
	sizeOf := func(a servicetest.Answer) answer {
		var got struct {
			Items     []struct{}
			Truncated bool
		}
		a.Into(t, &got)
		return answer{len(got.Items), got.Truncated}
	}
	an := object{"full_name": "Nguyễn Văn An", "birth_date": "1990-01-15", "purpose": "missing_person", "case": "BD-1"}
	for _, c := range []struct {
		stays  int
		path   string
		lookup object
		want   answer
	}{
		{200, "/lookups", an, answer{200, false}},
		{201, "/lookups", an, answer{200, true}},
		{10_000, "/statistics?by=facility&to=2030-01-01", nil, answer{10_000, false}},
		{10_001, "/statistics?by=facility&to=2030-01-01", nil, answer{10_000, true}},
	} {
		_, err := h.Pool.Exec(t.Context(), `
insert into stays_v1
select r.* from stays_v1 s
 cross join generate_series((select count(*) from stays_v1), $1 - 1) n
 cross join lateral jsonb_populate_record(s, jsonb_build_object('notice', 'n' || n, 'facility', 'f' || n)) r
 where s.facility = $2`, c.stays, h.hotel)
		if err != nil {
			t.Fatal(err)
		}
		got := h.Get(t, "police", c.path, "")
		if c.lookup != nil {
			got = h.Post(t, "police", c.path, "", c.lookup)
		}
		if diff := cmp.Diff(c.want, sizeOf(got)); diff != "" {
			t.Errorf("%s of %d stays: %s", c.path, c.stays, diff)
		}
	}
}
