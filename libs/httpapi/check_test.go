package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
)

// checked is a setup whose routes have a check: by the clock, nobody arrives later than now; by our records, the room "404" is
// not there. What else the check says of a body depends on its name.
type checked struct {
	*setup
	asked []notify
	done  int
}

func newChecked(t *testing.T) *checked {
	t.Helper()
	s := &checked{setup: newSetup(t)}
	begin := func(ctx context.Context, c httpapi.Call[notify]) (httpapi.Later[notice], error) {
		s.done++
		return func() (httpapi.Done[notice], error) { return accept(ctx, c) }, nil
	}
	route := func(path string) httpapi.Route { return httpapi.Route{Pattern: "POST " + path, Action: notifying} }
	httpapi.Command(s.api, route("/notices"), httpapi.Now(begin), s.check)
	httpapi.Ask(s.api, route("/asked"), func(context.Context, httpapi.Call[notify]) (notice, error) { return notice{}, nil }, s.check)
	httpapi.Batch(s.api, route("/batch"), httpapi.Batching{Member: "notice", Width: 1}, begin, s.check)
	return s
}

func (s *checked) check(_ context.Context, c httpapi.Call[notify]) error {
	s.asked = append(s.asked, c.In)
	if c.Who.Facility != "F1" || c.Meta.At.IsZero() || c.Meta.Fingerprint == "" || c.Name("notice") == "" {
		return problem.New(problem.Internal, "incomplete_call", "", "")
	}
	switch c.In.Guest.FullName {
	case "Forbidden":
		return problem.New(problem.Forbidden, "facility_suspended", "suspended", "bị tạm ngừng")
	case "Broken":
		return errSecret
	case "Away":
		return problem.New(problem.Unavailable, "dependency_away", "away", "gián đoạn")
	}
	var faults problem.Faults
	if c.In.ArrivedAt.After(c.Meta.At) || c.In.ArrivedAt.IsZero() {
		faults.At("/arrived_at", problem.Fault{Code: "not_now", Message: "later than now", MessageVI: "sau bây giờ"})
	}
	if c.In.Room == nil || *c.In.Room == "404" {
		faults.At("/room", problem.Fault{Code: "room_unknown", Message: "no such room", MessageVI: "không có phòng này"})
	}
	return faults.Err()
}

func TestFaultsOfFormClockAndRecordsAreSaidAtOnce(t *testing.T) {
	t.Parallel()
	const (
		guest  = `{"guest":{"full_name":"Nguyễn Văn An","birth_date":"1990-01-15","sex":"male"},`
		female = `{"guest":{"full_name":"Nguyễn Văn An","birth_date":"1990-01-15","sex":"nam","number":"001091123456"},`
		late   = `"arrived_at":"2026-12-01T14:05:00+07:00"`
	)
	for name, test := range map[string]struct {
		body string
		want []string
	}{
		"each of them":                    {female + late + `,"room":"404"}`, []string{"/guest/sex not_allowed", "/guest/number citizen_id_year_mismatch", "/arrived_at not_now", "/room room_unknown"}},
		"a time that cannot be read":      {guest + `"arrived_at":"now","room":"404"}`, []string{"/arrived_at invalid_date_time", "/room room_unknown"}},
		"a time that is missing":          {guest + `"room":"404"}`, []string{"/arrived_at required", "/room room_unknown"}},
		"a room that cannot be read":      {guest + late + `,"room":7}`, []string{"/room wrong_type", "/arrived_at not_now"}},
		"a member that nobody knows":      {guest + late + `,"rooom":"1","room":"1"}`, []string{"/rooom unknown_field", "/arrived_at not_now"}},
		"nothing at all":                  {`{}`, []string{"/guest required", "/arrived_at required", "/room room_unknown"}},
		"another refusal than of a body":  {strings.Replace(female, "Nguyễn Văn An", "Forbidden", 1) + late + `,"room":"1"}`, []string{"/guest/sex not_allowed", "/guest/number citizen_id_year_mismatch"}},
		"an object where another belongs": {`{"guest":7,` + late + `,"room":"1"}`, []string{"/guest wrong_type", "/arrived_at not_now"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newChecked(t)
			for _, path := range []string{"notices", "asked"} {
				r := refused(t, s.do(t, "POST", "/accommodation/v1/"+path, test.body, "Idempotency-Key", key))
				if d := cmp.Diff(test.want, places(r)); d != "" || r.Status != 422 || r.Code != "invalid_body" {
					t.Error(path, r.Status, r.Code, d)
				}
			}
			want := []string{"0  422 invalid_body " + strings.Join(test.want, ",")}
			lines := s.do(t, "POST", batchPath, test.body, "Idempotency-Key", key, "Content-Type", ndjson)
			array := s.do(t, "POST", batchPath, "["+test.body+"]", "Idempotency-Key", key)
			var answer struct{ Items []json.RawMessage }
			if err := json.Unmarshal(array.Body.Bytes(), &answer); err != nil || len(answer.Items) != 1 {
				t.Fatal(err, array.Body)
			}
			got := []string{short(lines.Body.String()), short(string(answer.Items[0]))}
			if d := cmp.Diff(slices.Concat(want, want), got); d != "" {
				t.Error(d)
			}
			if sent := slices.Concat(lines.Body.Bytes(), array.Body.Bytes()); bytes.Contains(sent, []byte("Nguy")) || bytes.Contains(sent, []byte("404")) {
				t.Errorf("a value is repeated: %s", sent)
			}
			if s.done != 0 {
				t.Error("something was done")
			}
		})
	}
}

func TestOnlyBodiesWithFaultsAreChecked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body   string
		status int
		asked  int
		done   int
	}{
		"a good one, whose command is the last word": {strings.Replace(body, "2026-11-21T14", "2026-12-21T14", 1), 200, 0, 1},
		"one that breaks off":                        {body[:150], 400, 0, 0},
		"a list":                                     {"[" + body + "]", 422, 0, 0},
		"a text":                                     {`"a"`, 422, 0, 0},
		"more faults than are listed":                {"{" + strings.Repeat(`"a":1,`, 200) + body[1:], 422, 0, 0},
		"one with a fault":                           {strings.Replace(body, `"male"`, `"nam"`, 1), 422, 1, 0},
		"one on which our records fail":              {strings.NewReplacer(`"male"`, `"nam"`, "Nguyễn Văn An", "Broken").Replace(body), 500, 1, 0},
		"one for which they are away":                {strings.NewReplacer(`"male"`, `"nam"`, "Nguyễn Văn An", "Away").Replace(body), 422, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newChecked(t)
			w := s.do(t, "POST", "/accommodation/v1/notices", test.body, "Idempotency-Key", key)
			if w.Code != test.status || len(s.asked) != test.asked || s.done != test.done {
				t.Errorf("%d, asked %d times and done %d times: %s", w.Code, len(s.asked), s.done, w.Body)
			}
		})
	}
}
