package accommodation_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

type noticeView struct {
	ID, Receipt, Status, Facility, Identity, Room string
	Duties                                        []struct {
		Kind  string
		DueAt time.Time `json:"due_at"`
		Late  bool
		Rule  string
	}
	Guest *struct {
		FullName string `json:"full_name"`
	}
}

func TestAStayIsNotifiedAndReadBack(t *testing.T) {
	t.Parallel()
	h := open(t)
	first := h.post(t, "hotel", "/notices", "k1", stayOf(guestOf("Nguyễn Văn An")))
	first.want(t, http.StatusCreated)
	var n noticeView
	first.into(t, &n)
	if n.Status != "notified" || n.Identity != "pending" || !strings.HasPrefix(n.Receipt, "SA-") || n.Facility != h.hotel {
		t.Fatalf("%+v", n)
	}
	due := time.Date(2026, 11, 21, 23, 0, 0, 0, noon.Location())
	if len(n.Duties) != 1 || !n.Duties[0].DueAt.Equal(due) || n.Duties[0].Late || n.Duties[0].Rule != "stay_notice.2026-07" {
		t.Fatalf("duties %+v", n.Duties)
	}

	t.Run("the same request again answers with the first result", func(t *testing.T) {
		t.Parallel()
		again := h.post(t, "hotel", "/notices", "k1", stayOf(guestOf("Nguyễn Văn An")))
		again.want(t, http.StatusCreated)
		if diff := cmp.Diff(string(first.body), string(again.body)); diff != "" || again.header.Get("Idempotent-Replay") != "true" {
			t.Fatalf("replay %q: %s", again.header.Get("Idempotent-Replay"), diff)
		}
	})
	t.Run("another body under the same key is refused", func(t *testing.T) {
		t.Parallel()
		other := h.post(t, "hotel", "/notices", "k1", stayOf(guestOf("Trần Văn Bình")))
		other.want(t, http.StatusUnprocessableEntity)
		if code := other.text(t, "code"); code != "idempotency_key_reused" {
			t.Fatal(code)
		}
	})
	t.Run("the commune's police read it with its guest, and the reading is recorded", func(t *testing.T) {
		t.Parallel()
		var seen noticeView
		h.get(t, "police", "/notices/"+n.ID, "").into(t, &seen)
		if seen.Guest == nil || seen.Guest.FullName != "Nguyễn Văn An" {
			t.Fatalf("%+v", seen)
		}
		var readings int
		err := h.pool.QueryRow(t.Context(), `select count(*) from vault_readings where case_ref = $1`, n.ID).Scan(&readings)
		if err != nil || readings == 0 {
			t.Fatalf("%d readings, %v", readings, err)
		}
	})
	t.Run("to another commune's police, another hotel and nobody it does not exist", func(t *testing.T) {
		t.Parallel()
		h.facility(t, "rival", "admin")
		for actor, status := range map[string]int{
			"stranger": http.StatusNotFound, "rival": http.StatusNotFound, "province": http.StatusForbidden, "": http.StatusUnauthorized,
		} {
			h.get(t, actor, "/notices/"+n.ID, "").want(t, status)
		}
	})
	t.Run("a list that waits for the position shows it", func(t *testing.T) {
		t.Parallel()
		var page struct{ Items []noticeView }
		list := h.get(t, "police", "/notices?facility="+h.hotel+"&persons=true", first.position())
		list.want(t, http.StatusOK)
		list.into(t, &page)
		if len(page.Items) != 1 || page.Items[0].ID != n.ID || page.Items[0].Guest == nil {
			t.Fatalf("%s", list.body)
		}
	})
}

func TestChangesOfAStay(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := h.post(t, "hotel", "/notices", "k1", stayOf(guestOf("Nguyễn Văn An"))).text(t, "id")
	cancelled := h.post(t, "hotel", "/notices", "k2", stayOf(guestOf("Lê Thị Hoa"))).text(t, "id")

	h.post(t, "hotel", "/notices/"+id+"/room", "r", object{"room": "202"}).want(t, http.StatusOK)
	h.post(t, "hotel", "/notices/"+id+"/extension", "e", object{"expected_departure": "2026-12-25"}).want(t, http.StatusOK)
	h.post(t, "hotel", "/notices/"+id+"/correction", "c", object{"guest": guestOf("Nguyễn Văn Ân"), "reason": "sai tên"}).want(t, http.StatusOK)
	departed := h.post(t, "hotel", "/notices/"+id+"/departure", "d", object{"departed_at": noon.Format(time.RFC3339)})
	departed.want(t, http.StatusOK)
	h.post(t, "hotel", "/notices/"+cancelled+"/cancellation", "x", object{"reason": "khách không đến"}).want(t, http.StatusOK)

	var n noticeView
	h.get(t, "hotel", "/notices/"+id, "").into(t, &n)
	if n.Status != "departed" || n.Room != "202" || n.Guest.FullName != "Nguyễn Văn Ân" {
		t.Fatalf("%+v", n)
	}
	var history struct{ Items []struct{ Type string } }
	h.get(t, "police", "/notices/"+id+"/history", "").into(t, &history)
	var types []string
	for _, step := range history.Items {
		types = append(types, strings.TrimPrefix(step.Type, "accommodation."))
	}
	want := []string{"stay_notified.v1", "room_changed.v1", "stay_extended.v1", "guest_corrected.v1", "departed.v1"}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Fatal(diff)
	}

	t.Run("the same departure again is a replay", func(t *testing.T) {
		t.Parallel()
		again := h.post(t, "hotel", "/notices/"+id+"/departure", "d", object{"departed_at": noon.Format(time.RFC3339)})
		again.want(t, http.StatusOK)
		if again.header.Get("Idempotent-Replay") != "true" || string(again.body) != string(departed.body) {
			t.Fatalf("%s", again.body)
		}
	})
	t.Run("a departed guest does not change rooms", func(t *testing.T) {
		t.Parallel()
		refused := h.post(t, "hotel", "/notices/"+id+"/room", "r2", object{"room": "303"})
		refused.want(t, http.StatusUnprocessableEntity)
		if code := refused.text(t, "code"); code != "notice_departed" {
			t.Fatal(code)
		}
	})
	t.Run("the police change nothing", func(t *testing.T) {
		t.Parallel()
		h.post(t, "police", "/notices/"+id+"/room", "r3", object{"room": "303"}).want(t, http.StatusForbidden)
	})
	t.Run("statistics leave cancelled stays out", func(t *testing.T) {
		t.Parallel()
		last := h.post(t, "hotel", "/notices", "k3", stayOf(guestOf("Phạm Văn Dũng")))
		var counts struct {
			Items []struct {
				Key                       string
				Stays, Present, Cancelled int
			}
		}
		h.get(t, "province", "/statistics?by=facility", last.position()).into(t, &counts)
		if len(counts.Items) != 1 || counts.Items[0].Stays != 2 || counts.Items[0].Present != 1 || counts.Items[0].Cancelled != 1 {
			t.Fatalf("%+v", counts)
		}
	})
}

func TestFacilitiesAndTheirKeys(t *testing.T) {
	t.Parallel()
	h := open(t)
	t.Run("a commune registers its own facilities only", func(t *testing.T) {
		t.Parallel()
		body := object{"name": "Nhà nghỉ", "kind": "tourist", "unit": "00008", "address": "x"}
		refused := h.post(t, "police", "/facilities", "f1", body)
		refused.want(t, http.StatusUnprocessableEntity)
		if diff := cmp.Diff([]string{"/unit unit_not_yours"}, refused.faults(t)); diff != "" {
			t.Fatal(diff)
		}
	})
	t.Run("a revoked key is refused", func(t *testing.T) {
		t.Parallel()
		id := h.facility(t, "inn", "police")
		h.get(t, "inn", "/notices", "").want(t, http.StatusOK)
		key := strings.Split(h.token("inn"), "_")[1]
		h.send(t, http.MethodDelete, "police", "/facilities/"+id+"/keys/"+key, nil, nil).want(t, http.StatusOK)
		if refused := h.get(t, "inn", "/notices", ""); refused.status != http.StatusUnauthorized || refused.text(t, "code") != "key_revoked" {
			t.Fatalf("%d %s", refused.status, refused.body)
		}
	})
	t.Run("a replaced key goes on until its time, and the list says what became of it", func(t *testing.T) {
		t.Parallel()
		id := h.facility(t, "lodge", "police")
		key := strings.Split(h.token("lodge"), "_")[1]
		for range 2 { // a repeat has the same token
			next := h.post(t, "police", "/facilities/"+id+"/keys/"+key+"/rotation", "rotate", object{})
			next.want(t, http.StatusCreated)
			h.hand("lodge-next", next.text(t, "token"))
		}
		h.get(t, "lodge", "/notices", "").want(t, http.StatusOK)
		h.get(t, "lodge-next", "/notices", "").want(t, http.StatusOK)
		var list struct {
			Items []struct{ Key, Successor string }
		}
		h.get(t, "police", "/facilities/"+id+"/keys", "").into(t, &list)
		if len(list.Items) != 2 {
			t.Fatalf("%+v", list)
		}
		for _, k := range list.Items {
			if (k.Successor != "") != (k.Key == key) {
				t.Errorf("%+v", list)
			}
		}
		h.get(t, "stranger", "/facilities/"+id+"/keys", "").want(t, http.StatusNotFound)
	})
	t.Run("a suspended facility is refused until it is reinstated", func(t *testing.T) {
		t.Parallel()
		id := h.facility(t, "dorm", "police")
		h.post(t, "police", "/facilities/"+id+"/suspension", "s", object{"reason": "kiểm tra"}).want(t, http.StatusOK)
		h.get(t, "dorm", "/notices", "").want(t, http.StatusUnauthorized)
		h.post(t, "police", "/facilities/"+id+"/reinstatement", "r", object{"reason": "xong"}).want(t, http.StatusOK)
		h.get(t, "dorm", "/notices", "").want(t, http.StatusOK)
	})
	t.Run("the same request at two facilities gives two secrets", func(t *testing.T) {
		t.Parallel()
		one, two := h.facility(t, "one", "police"), h.facility(t, "two", "police")
		secret := func(facility string) string {
			token := h.post(t, "police", "/facilities/"+facility+"/keys", "initial-key", object{}).text(t, "token")
			return strings.Split(token, "_")[2]
		}
		if a, b := secret(one), secret(two); a == b || a == "" {
			t.Fatal("the key of one facility gives away that of another")
		}
	})
	t.Run("a list shows names to the commune, and the same key request the same token", func(t *testing.T) {
		t.Parallel()
		again := h.post(t, "police", "/facilities/"+h.hotel+"/keys", "key-hotel", object{})
		if again.text(t, "token") != h.token("hotel") {
			t.Fatal("another token")
		}
		list := h.get(t, "police", "/facilities", "")
		if !strings.Contains(string(list.body), "Khách sạn hotel") {
			t.Fatalf("%s", list.body)
		}
		if list := h.get(t, "stranger", "/facilities", ""); strings.Contains(string(list.body), "hotel") {
			t.Fatalf("another commune sees %s", list.body)
		}
	})
}

func TestLookups(t *testing.T) {
	t.Parallel()
	h := open(t)
	made := h.post(t, "hotel", "/notices", "k1", stayOf(guestOf("Nguyễn Văn An")))
	for name, body := range map[string]object{
		"by document": {"document": object{"type": "citizen_id", "number": "001 090 123456"}, "purpose": "missing_person", "case": "A-1"},
		"by name":     {"full_name": "nguyen van an", "birth_date": "1990-01-15", "purpose": "missing_person", "case": "A-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h.get(t, "police", "/notices", made.position()).want(t, http.StatusOK)
			var found struct{ Items []noticeView }
			h.post(t, "police", "/lookups", "", body).into(t, &found)
			if len(found.Items) != 1 || found.Items[0].ID != made.text(t, "id") {
				t.Fatalf("%+v", found)
			}
		})
	}
	t.Run("without a purpose nothing is looked up", func(t *testing.T) {
		t.Parallel()
		refused := h.post(t, "police", "/lookups", "", object{"full_name": "An", "birth_date": "1990"})
		refused.want(t, http.StatusUnprocessableEntity)
		got := refused.faults(t)
		slices.Sort(got)
		if diff := cmp.Diff([]string{"/case required", "/purpose required"}, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestTheFrontDeskScansADocument(t *testing.T) {
	t.Parallel()
	h := open(t)
	scanned := h.post(t, "hotel", "/scan", "", object{"text": "001090123456||Nguyễn Văn An|15011990|Nam|18 Trấn Vũ|10052021\r\n"})
	scanned.want(t, http.StatusOK)
	var read struct {
		Kind  string
		Guest object
	}
	scanned.into(t, &read)
	stay := stayOf(read.Guest)
	if h.post(t, "hotel", "/notices", "scanned", stay).want(t, http.StatusCreated); read.Kind != "card_qr" {
		t.Fatal(read.Kind)
	}
	h.post(t, "province", "/scan", "", object{"text": "001090123456"}).want(t, http.StatusForbidden)
}

// A row that somebody has been at is reported as such, and does not hide the others.
func TestADamagedRowDoesNotTakeOthersWithIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	var last answer
	for _, name := range []string{"Nguyễn Văn An", "Trần Thị Bình", "Lê Văn Cường"} {
		guest := guestOf(name)
		if name == "Trần Thị Bình" {
			guest["sex"], guest["document"] = "female", object{"type": "citizen_id", "number": "001190123456"}
		}
		last = h.post(t, "hotel", "/notices", fmt.Sprint("damaged-", len(name)), stayOf(guest))
		last.want(t, http.StatusCreated)
	}
	var refs []string
	rows, err := h.pool.Query(t.Context(), `select data->>'guest' from events where type = 'accommodation.stay_notified.v1' order by position`)
	if err != nil {
		t.Fatal(err)
	}
	if refs, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		t.Fatal(err)
	}
	if _, err := h.pool.Exec(t.Context(), `update vault set ciphertext = set_byte(ciphertext, 12, get_byte(ciphertext, 12) # 1) where ref = $1`, refs[1]); err != nil {
		t.Fatal(err)
	}
	resolved := h.post(t, "identity", "/persons", "", object{"refs": refs, "purpose": "identity_check", "case": "c"})
	resolved.want(t, http.StatusOK)
	type person struct {
		Unreadable bool
		Guest      *struct{}
	}
	var people struct{ Items []person }
	resolved.into(t, &people)
	if len(people.Items) != 3 || people.Items[0].Guest == nil || !people.Items[1].Unreadable || people.Items[2].Guest == nil {
		t.Fatalf("%s", resolved.body)
	}
	page := h.get(t, "police", "/notices?persons=true", last.position())
	page.want(t, http.StatusOK)
	var list struct{ Items []person }
	page.into(t, &list)
	damaged := 0
	for _, item := range list.Items {
		if item.Unreadable {
			damaged++
		}
	}
	if len(list.Items) != 3 || damaged != 1 {
		t.Fatalf("%d stays, %d damaged", len(list.Items), damaged)
	}
}
