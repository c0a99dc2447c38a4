package payday

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/roll"
)

func TestMonthsFollowEachOther(t *testing.T) {
	t.Parallel()
	for month, want := range map[string]string{"2026-11": "2026-12", "2026-12": "2027-01"} {
		if got := next(month); got != want {
			t.Errorf("%s after %s, want %s", got, month, want)
		}
	}
}

func TestListsAreDraftedForThisMonthAndTheTwoAfterIt(t *testing.T) {
	t.Parallel()
	late := time.Date(2026, time.November, 30, 18, 0, 0, 0, time.UTC) // it is December in Hà Nội
	if diff := cmp.Diff([]string{"2026-12", "2027-01", "2027-02"}, months(late)); diff != "" {
		t.Errorf("months (-want +got):\n%s", diff)
	}
}

func TestTheNextProgrammeIsPaidWhenALastMonthIsTaken(t *testing.T) {
	t.Parallel()
	taken := map[string]string{roll.Assistance: "2026-11 2026-12 2027-01", roll.Pension: "2026-10 2026-11 2026-12"}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var items []map[string]string
		for month := range strings.FieldsSeq(taken[r.URL.Query().Get("programme")]) {
			items = append(items, map[string]string{"unit": "00004", "month": month, "status": "released"})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"items": items}) // the caller would notice
	}))
	defer server.Close()
	system := System{Actors: map[string]Actor{"lisa": {Unit: "00004"}, "auditor": {Token: "t"}}}
	now := time.Date(2026, time.November, 21, 0, 0, 0, 0, time.UTC)
	got, err := Programme(t.Context(), client.New(server.URL, 1), system, now)
	if err != nil || got != roll.Pension {
		t.Errorf("%q, %v", got, err)
	}
	taken[roll.Pension], taken[roll.Meritorious] = taken[roll.Assistance], taken[roll.Assistance]
	if got, err := Programme(t.Context(), client.New(server.URL, 1), system, now); err == nil {
		t.Errorf("%q can be paid", got)
	}
}

func TestOfficesHaveTheirOwnOfficersAndPeople(t *testing.T) {
	t.Parallel()
	actors := map[string]Actor{"treasurer": {"01", "t"}, "auditor": {"", "u"}}
	for mark, unit := range map[string]string{"": "00004", "_00008": "00008"} {
		for _, role := range []string{"lisa", "accountant", "chairman"} {
			actors[role+mark] = Actor{unit, role + unit}
		}
	}
	system := System{Actors: actors, Banks: map[string]Bank{"BFTVVNVX": {}, "VBAAVNVX": {}, "XXXXVNVX": {}}}
	if diff := cmp.Diff([]string{"00004", "00008"}, Communes(system)); diff != "" {
		t.Errorf("communes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"VBAAVNVX", "BFTVVNVX", "XXXXVNVX"}, Banks(system)); diff != "" {
		t.Errorf("banks (-want +got):\n%s", diff)
	}
	offices, err := officesOf(system, []*roll.Beneficiary{{Number: 0, Commune: "00008"}, {Number: 1, Commune: "00008"}})
	if err != nil || len(offices) != 1 || offices[0].lisa != "lisa00008" || offices[0].treasurer != "t" || len(offices[0].people) != 2 {
		t.Errorf("%+v, %v", offices, err)
	}
	delete(actors, "chairman_00008")
	if _, err := officesOf(system, nil); err == nil {
		t.Error("an office without a chairman")
	}
}

func TestDemoFilesAreReadOrRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "demo.json")
	if _, err := ReadSystem(file); err == nil {
		t.Error("a file that is not there was read")
	}
	for text, want := range map[string]string{"{": "not written by this system", `{"banks":{"VBAAVNVX":{"control":"http://x"}}}`: ""} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadSystem(file)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
