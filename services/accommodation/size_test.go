package accommodation_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/eventstore"
)

// The log has room for as many notices as it counts on, if they are no larger than it reckons: a foreigner's who was notified late, with
// everything that a desk can fill in, by a program that is traced.
func TestANoticeIsNoLargerThanTheLogReckons(t *testing.T) {
	t.Parallel()
	h := open(t)
	adult := h.Post(t, "hotel", "/notices", "adult", stayOf(guestOf("Nguyễn Văn An")))
	adult.Want(t, http.StatusCreated)
	stay := stayOf(object{
		"full_name": "Jean-Baptiste Emmanuel de La Rochefoucauld", "birth_date": "1990-01-15", "sex": "male", "nationality": "FRA",
		"document":  object{"type": "passport", "number": "12AB34567", "expires": "2030-01-15"},
		"residence": object{"text": "18 rue du Faubourg Saint-Honoré, 75008 Paris", "unit": "00004"}, "phone": "+33612345678",
		"visa": object{"type": "DL", "number": "VN1234567", "expires": "2027-01-15"}, "entry": object{"date": "2026-11-01", "gate": "Nội Bài"},
	})
	stay["arrived_at"], stay["group"] = noon.Add(-30*time.Hour).Format(time.RFC3339), "tour-2026-11-21"
	stay["accompanied_by"] = adult.Text(t, "id")
	made := h.Post(t, "hotel", "/notices", "0193a5c0-7d3e-7c41-9b52-6f1e8a4d2c70/12345", stay)
	made.Want(t, http.StatusCreated)
	const query = `
select octet_length(stream) + octet_length(data::text) + octet_length(meta::text) +
       octet_length(ciphertext) + octet_length(document_index) + octet_length(name_index)
from events join vault on ref = (data->>'guest')::uuid
where data->>'notice' = $1`
	var bytes int
	if err := h.Pool.QueryRow(t.Context(), query, made.Text(t, "id")).Scan(&bytes); err != nil {
		t.Fatal(err)
	}
	const traceparent = 70 // in the meta, where there are traces
	if bytes += traceparent; bytes > eventstore.UsualBytes {
		t.Errorf("it takes %d bytes, and the log reckons with %d", bytes, eventstore.UsualBytes)
	}
	t.Logf("%d bytes", bytes)
}
