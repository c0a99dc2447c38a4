package verdict

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/evening"
)

const accepted = `{"id":"n1","status":"notified","facility":"f1","notified_at":"2026-11-21T20:00:01+07:00",` +
	`"expected_departure":"2026-11-23","room":"101","duties":[{"kind":"stay_notice","late":false}],"identity":"pending"}`

const refused = `{"code":"invalid_body","errors":[{"code":"b"},{"code":"a"},{"code":"b"}]}`

func read(t *testing.T, status int, body string) Verdict {
	t.Helper()
	v, err := Of(client.Answer{Status: status, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCheckInsAreJudged(t *testing.T) {
	t.Parallel()
	right := evening.Outcome{Status: http.StatusCreated}
	two := strings.Replace(accepted, `[{"kind`, `[{"kind":"immigration_declaration","late":true},{"kind`, 1)
	for name, c := range map[string]struct {
		want   evening.Outcome
		status int
		body   string
		judged string
	}{
		"accepted as planned":         {right, 201, accepted, ""},
		"a line that was done before": {right, 200, accepted, ""},
		"another good status":         {right, 202, accepted, "status 202 instead of 201"},
		"refused as planned":          {evening.Outcome{Status: 422, Code: "a+b"}, 422, refused, ""},
		"a refusal without faults":    {evening.Outcome{Status: 422, Code: "x"}, 422, `{"code":"x"}`, ""},
		"refused with another status": {evening.Outcome{Status: 400, Code: "a+b"}, 422, refused, "status 422 instead of 400"},
		"refused for other reasons":   {evening.Outcome{Status: 422, Code: "a"}, 422, refused, "refused: a+b instead of refused: a"},
		"refused against the plan":    {right, 422, refused, "refused: a+b instead of accepted"},
		"accepted against the plan":   {evening.Outcome{Status: 422, Code: "a"}, 201, accepted, "accepted instead of refused: a"},
		"no id":                       {right, 201, strings.Replace(accepted, `"n1"`, `""`, 1), "a notice without an id"},
		"another facility":            {right, 201, strings.Replace(accepted, `"f1"`, `"f2"`, 1), "a notice of another facility"},
		"a duty too few":              {evening.Outcome{Status: 201, Foreigner: true}, 201, accepted, "1 duties instead of 2"},
		"a duty too many":             {right, 201, two, "2 duties instead of 1"},
		"one late duty is enough":     {evening.Outcome{Status: 201, Foreigner: true, Late: true}, 201, two, ""},
		"late against the plan":       {evening.Outcome{Status: 201, Foreigner: true}, 201, two, "late is true instead of false"},
		"in time against the plan":    {evening.Outcome{Status: 201, Late: true}, 201, accepted, "late is false instead of true"},
	} {
		g := &evening.Guest{Want: c.want}
		if got := CheckIn(g, "f1", read(t, c.status, c.body)); got != c.judged {
			t.Errorf("%s: judged %q, want %q", name, got, c.judged)
		}
	}
}

func TestChangesAreJudged(t *testing.T) {
	t.Parallel()
	want := evening.Outcome{State: evening.Departed, Room: "102"}
	gone := strings.Replace(accepted, "notified\"", "departed\"", 1)
	moved := strings.Replace(accepted, "101", "102", 1)
	for name, c := range map[string]struct {
		verb   evening.Verb
		code   string
		status int
		body   string
		right  bool
	}{
		"departed":                {evening.Depart, "", 200, gone, true},
		"not departed":            {evening.Depart, "", 200, accepted, false},
		"moved":                   {evening.Move, "", 200, moved, true},
		"not moved":               {evening.Move, "", 200, accepted, false},
		"extended":                {evening.Extend, "", 200, accepted, true},
		"not extended":            {evening.Extend, "", 200, strings.Replace(accepted, "-23", "-24", 1), false},
		"corrected":               {evening.Correct, "", 200, accepted, true},
		"not checked again":       {evening.Correct, "", 200, strings.Replace(accepted, "pending", "matched", 1), false},
		"refused as planned":      {evening.Move, "a+b", 422, refused, true},
		"refused otherwise":       {evening.Move, "c", 422, refused, false},
		"refused, not planned":    {evening.Move, "", 422, refused, false},
		"done against the plan":   {evening.Move, "a+b", 200, moved, false},
		"no change":               {evening.Notify, "", 200, accepted, false},
		"cancelled, says another": {evening.Cancel, "", 200, accepted, false},
	} {
		act := &evening.Act{Verb: c.verb, Code: c.code, Guests: []*evening.Guest{{Want: want}}}
		if got := Change(act, "2026-11-23", read(t, c.status, c.body)); (got == "") != c.right {
			t.Errorf("%s: judged %q", name, got)
		}
	}
}

func TestListedNoticesAreJudged(t *testing.T) {
	t.Parallel()
	arrival := time.Date(2026, 11, 21, 13, 0, 0, 0, time.UTC)
	want := evening.Outcome{State: evening.Notified, Room: "101", Nights: 2, Identity: evening.Mismatched, Fields: []string{"full_name"}}
	body := strings.Replace(accepted, `"pending"`, `"mismatched","identity_fields":["full_name"]`, 1)
	for name, c := range map[string]struct {
		old, new string
		right    bool
	}{
		"as planned":        {"", "", true},
		"another state":     {"notified\"", "departed\"", false},
		"late":              {"false", "true", false},
		"another room":      {`"101"`, `"102"`, false},
		"another departure": {"11-23", "11-24", false},
		"still pending":     {"mismatched", "pending", false},
		"another field":     {`["full_name"]`, `["birth_date"]`, false},
	} {
		v := read(t, http.StatusOK, strings.Replace(body, c.old, c.new, 1))
		if got := Listed(&evening.Guest{Want: want}, arrival, *v.Notice); (got == "") != c.right {
			t.Errorf("%s: judged %q", name, got)
		}
	}
	want.State = evening.Cancelled
	cancelled := read(t, http.StatusOK, strings.Replace(accepted, "notified\"", "cancelled\"", 1))
	if got := Listed(&evening.Guest{Want: want}, arrival, *cancelled.Notice); got != "" {
		t.Errorf("a cancelled stay that was never checked is judged %q", got)
	}
}

func TestListsAreReadLineByLine(t *testing.T) {
	t.Parallel()
	good := `{"index":0,"status":201,"notice":` + accepted + "}\n" + `{"index":1,"status":503,"problem":` + refused + "}\n"
	verdicts, err := ListOf(client.Answer{Status: 200, Body: []byte(good)}, 2)
	if err != nil || len(verdicts) != 2 || verdicts[0].Later() || !verdicts[1].Later() {
		t.Errorf("read %+v, %v", verdicts, err)
	}
	for name, c := range map[string]struct {
		status int
		body   string
	}{
		"a line too few":       {200, `{"index":0,"status":201,"notice":` + accepted + "}\n"},
		"out of order":         {200, strings.Replace(good, `"index":1`, `"index":2`, 1)},
		"no JSON":              {200, good[:len(good)-10]},
		"neither nor":          {200, `{"index":0,"status":201}` + "\n" + `{"index":1,"status":201}` + "\n"},
		"refused as a whole":   {413, refused},
		"an answer of nothing": {200, ""},
		"an error page":        {500, "<html>"},
	} {
		if _, err := ListOf(client.Answer{Status: c.status, Body: []byte(c.body)}, 2); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Of(client.Answer{Status: 200, Body: []byte("<html>")}); err == nil {
		t.Error("an error page is read as a notice")
	}
}
