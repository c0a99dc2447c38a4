package form_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/httpapi/internal/form"
)

// moment is some moment of the years that are taken, in some zone, with some fraction.
func moment(r *rand.Rand) time.Time {
	minutes := r.IntN(2*14*60+1) - 14*60
	zone := time.FixedZone("", minutes*60)
	return time.Date(1900+r.IntN(200), 1, 2+r.IntN(360), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1e9), zone)
}

func TestWhatGoWritesOfAMomentIsReadAndIsTheSameMoment(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same moments every time
	for range 10_000 {
		want := moment(r)
		got, fault := form.Instant(want.Format(time.RFC3339Nano))
		if fault.Code != "" || !got.Equal(want) {
			t.Fatalf("%s is read as %s: %s", want.Format(time.RFC3339Nano), got, fault.Code)
		}
		if fault := form.Date("date", want.Format(time.DateOnly)); fault.Code != "" {
			t.Fatalf("%s: %s", want.Format(time.DateOnly), fault.Code)
		}
	}
}

// What is taken can be written again: a text with another character in one place is refused, or another moment or day,
// and never read with something left out.
func TestAMomentWithAnotherCharacterIsRefusedOrWrittenAgainAsItIs(t *testing.T) {
	t.Parallel()
	const characters = "0123456789-+:.,TtZz _/"
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same moments every time
	for range 20_000 {
		text := []byte(moment(r).Format(time.RFC3339))
		text[r.IntN(len(text))] = characters[r.IntN(len(characters))]
		got, fault := form.Instant(string(text))
		if fault.Code != "" {
			continue
		}
		again := got.Format(time.RFC3339Nano)
		if asUTC := strings.NewReplacer("+00:00", "Z", "-00:00", "Z").Replace(string(text)); again != string(text) && again != asUTC {
			t.Fatalf("%s is taken and written again as %s", text, again)
		}
	}
}

func TestADayIsRefusedForWhatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2024-02-29": "", "2023-02-29": "impossible_date", "2026-13-01": "impossible_date", "2026-1-01": "invalid_date",
		"0001-01-01": "date_out_of_range", "9999-01-01": "date_out_of_range", "": "invalid_date", "2026-01": "invalid_date",
	} {
		if got := form.Date("date", text).Code; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{"2026": "", "2026-01": "", "2026-01-31": "", "2026-00": "impossible_date", "26": "invalid_date", "": "invalid_date"} {
		if got := form.Date("partial-date", text).Code; got != want {
			t.Errorf("%q, perhaps in part: %q, want %q", text, got, want)
		}
	}
	if form.Date("email", "whatever").Code != "" {
		t.Error("a format that is documentation is checked")
	}
}

func TestAWholeNumberMayBeTooLargeForUs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"0": true, "-7": true, "99999999999999999999": true, "": false, "-": false, "--1": false, "1.0": false, "1e3": false, "+1": false} {
		if got := form.Whole(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}
