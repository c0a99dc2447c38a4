package accommodation_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/unicode/norm"
)

// greta is a guest as the reader of a passport and a keyboard that takes accents apart send her.
func greta() object {
	return object{
		"full_name": norm.NFD.String("  Greta  Müller\n"), "birth_date": "1988-07-02", "sex": "female", "nationality": "D<<",
		"document": object{"type": "passport", "number": "C01X00T47", "expires": "2030-01-01"},
		"visa":     object{"type": "DL", "number": "VN123", "expires": "2026-12-31"}, "entry": object{"date": "2026-11-20", "gate": "Nội Bài"},
	}
}

// What was normalised to be checked is what is kept: in facts that other consumers validate, in statistics, and in the vault.
func TestWhatIsNormalisedIsKept(t *testing.T) {
	t.Parallel()
	h := open(t)
	first := h.Post(t, "hotel", "/notices", "single", stayOf(greta()))
	first.Want(t, http.StatusCreated)
	h.Post(t, "hotel", "/notices/batch", "array", []any{stayOf(greta())}).Want(t, http.StatusOK)
	corrected := h.Post(t, "hotel", "/notices", "an", stayOf(guestOf("Nguyễn Văn An"))).Text(t, "id")
	last := h.Post(t, "hotel", "/notices/"+corrected+"/correction", "c", object{"guest": greta(), "reason": "nhầm hộ chiếu"})
	last.Want(t, http.StatusOK)

	wantFactsToBeValid(t, h, 4)
	var counts struct {
		Items []struct {
			Key   string
			Stays int
		}
	}
	h.Get(t, "province", "/statistics?by=nationality", last.Position()).Into(t, &counts)
	if len(counts.Items) != 1 || counts.Items[0].Key != "DEU" || counts.Items[0].Stays != 3 {
		t.Errorf("one nation is counted as %+v", counts.Items)
	}
	var page struct{ Items []noticeView }
	h.Get(t, "police", "/notices?persons=true", last.Position()).Into(t, &page)
	var names []string
	for _, n := range page.Items {
		if n.Guest != nil {
			names = append(names, n.Guest.FullName)
		}
	}
	if diff := cmp.Diff([]string{"Greta Müller", "Greta Müller", "Greta Müller"}, names); diff != "" {
		t.Error(diff)
	}
	t.Run("the same request again is a replay, also when the passport was typed in", func(t *testing.T) {
		t.Parallel()
		typed := greta()
		typed["nationality"], typed["full_name"] = "DEU", "Greta Müller"
		for _, guest := range []object{greta(), typed} {
			if again := h.Post(t, "hotel", "/notices", "single", stayOf(guest)); again.Header.Get("Idempotent-Replay") != "true" {
				t.Errorf("%d %s", again.Status, again.Body)
			}
		}
	})
}

// wantFactsToBeValid holds every fact about notices against its published schema.
func wantFactsToBeValid(t *testing.T, h *house, want int) {
	t.Helper()
	rows, err := h.Pool.Query(t.Context(), `select type, data::text from events where stream like 'notice-%'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	valid := 0
	for ; rows.Next(); valid++ {
		var name, data string
		if err := rows.Scan(&name, &data); err != nil {
			t.Fatal(err)
		}
		schema, err := compiler.Compile("../../events/schemas/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		fact, err := jsonschema.UnmarshalJSON(strings.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(fact); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := rows.Err(); err != nil || valid != want {
		t.Fatalf("%d facts, want %d, %v", valid, want, err)
	}
}
