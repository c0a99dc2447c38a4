package bench

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBodiesOfStaysAreComplete(t *testing.T) {
	t.Parallel()
	got := string(newStays(time.Date(2026, 11, 21, 20, 7, 41, 0, time.UTC)).append(nil, 1_234_567))
	want := `{"guest":{"full_name":"Bùi Đức Mạnh","birth_date":"1967-02-17","sex":"female","nationality":"VNM",` +
		`"document":{"type":"citizen_id","number":"001167234567"},"residence":{"text":"Phường Ba Đình, Hà Nội","unit":"00004"},` +
		`"phone":"+84912234567"},"arrived_at":"2026-11-21T20:07:41Z","expected_departure":"2026-11-24","room":"267","reason":"tourism"}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
