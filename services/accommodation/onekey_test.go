package accommodation_test

import (
	"net/http"
	"testing"
	"time"
)

// A program that mixes up its retries sends the right key with the wrong id. It hears so, and nobody else's stay is ended.
func TestAnIdempotencyKeyChangesOneNoticeOrFacility(t *testing.T) {
	t.Parallel()
	h := open(t)
	rival := h.facility(t, "rival")
	stay := func(key string) string {
		made := h.Post(t, "hotel", "/notices", key, stayOf(guestOf("Nguyễn Văn An")))
		made.Want(t, http.StatusCreated)
		return "/notices/" + made.Text(t, "id")
	}
	first, second := stay("first"), stay("second")
	here, there, closed := "/facilities/"+h.hotel, "/facilities/"+rival, "/facilities/"+h.facility(t, "closed")
	h.Post(t, "police", closed+"/suspension", "close", object{"reason": "kiểm tra"}).Want(t, http.StatusOK)
	keyOf := func(facility string) string {
		issued := h.Post(t, "police", facility+"/keys", "key-of-"+facility, object{})
		issued.Want(t, http.StatusCreated)
		return facility + "/keys/" + issued.Text(t, "key")
	}
	because := object{"reason": "nhầm"}
	for _, c := range []struct {
		actor, one, other, what string
		body                    object
		status                  int
	}{
		{"hotel", first, second, "/room", object{"room": "202"}, http.StatusOK},
		{"hotel", first, second, "/extension", object{"expected_departure": "2026-11-25"}, http.StatusOK},
		{"hotel", first, second, "/correction", object{"guest": guestOf("Nguyễn Văn Ân"), "reason": "sai tên"}, http.StatusOK},
		{"hotel", first, second, "/departure", object{"departed_at": noon.Format(time.RFC3339)}, http.StatusOK},
		{"hotel", stay("third"), second, "/cancellation", because, http.StatusOK},
		{"police", here, there, "/suspension", because, http.StatusOK},
		{"police", here, closed, "/reinstatement", because, http.StatusOK},
		{"police", here, there, "/keys", object{}, http.StatusCreated},
		{"police", keyOf(here), keyOf(there), "/rotation", object{}, http.StatusCreated},
	} {
		key := "one-key-for-every" + c.what
		done := h.Post(t, c.actor, c.one+c.what, key, c.body)
		done.Want(t, c.status)
		before := held(t, h)
		mixed := h.Post(t, c.actor, c.other+c.what, key, c.body)
		if mixed.Status != http.StatusUnprocessableEntity || mixed.Text(t, "code") != "idempotency_key_reused" {
			t.Errorf("%s with the key of another one: %d %s", c.what, mixed.Status, mixed.Body)
		}
		again := h.Post(t, c.actor, c.one+c.what, key, c.body)
		if again.Status != c.status || again.Header.Get("Idempotent-Replay") != "true" {
			t.Errorf("%s again: %d %s", c.what, again.Status, again.Body)
		}
		if after := held(t, h); after != before {
			t.Errorf("%s: facts and rows of the vault: %v before, %v after", c.what, before, after)
		}
	}
}
