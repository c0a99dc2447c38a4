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

	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
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
	first := h.Post(t, "hotel", "/notices", "k1", stayOf(guestOf("Nguyễn Văn An")))
	first.Want(t, http.StatusCreated)
	var n noticeView
	first.Into(t, &n)
	if n.Status != "notified" || n.Identity != "pending" || !strings.HasPrefix(n.Receipt, "SA-") || n.Facility != h.hotel {
		t.Fatalf("%+v", n)
	}
	due := time.Date(2026, 11, 21, 23, 0, 0, 0, noon.Location())
	if len(n.Duties) != 1 || !n.Duties[0].DueAt.Equal(due) || n.Duties[0].Late || n.Duties[0].Rule != "stay_notice.2026-07" {
		t.Fatalf("duties %+v", n.Duties)
	}

	t.Run("the same request again answers with the first result", func(t *testing.T) {
		t.Parallel()
		again := h.Post(t, "hotel", "/notices", "k1", stayOf(guestOf("Nguyễn Văn An")))
		again.Want(t, http.StatusCreated)
		if diff := cmp.Diff(string(first.Body), string(again.Body)); diff != "" || again.Header.Get("Idempotent-Replay") != "true" {
			t.Fatalf("replay %q: %s", again.Header.Get("Idempotent-Replay"), diff)
		}
	})
	t.Run("another body under the same key is refused", func(t *testing.T) {
		t.Parallel()
		other := h.Post(t, "hotel", "/notices", "k1", stayOf(guestOf("Trần Văn Bình")))
		other.Want(t, http.StatusUnprocessableEntity)
		if code := other.Text(t, "code"); code != "idempotency_key_reused" {
			t.Fatal(code)
		}
	})
	t.Run("the commune's police read it with its guest, and the reading is recorded", func(t *testing.T) {
		t.Parallel()
		var seen noticeView
		h.Get(t, "police", "/notices/"+n.ID, "").Into(t, &seen)
		if seen.Guest == nil || seen.Guest.FullName != "Nguyễn Văn An" {
			t.Fatalf("%+v", seen)
		}
		var readings int
		err := h.Pool.QueryRow(t.Context(), `select count(*) from vault_readings where case_ref = $1`, n.ID).Scan(&readings)
		if err != nil || readings == 0 {
			t.Fatalf("%d readings, %v", readings, err)
		}
	})
	t.Run("to another commune's police, another hotel and nobody it does not exist", func(t *testing.T) {
		t.Parallel()
		h.facility(t, "rival")
		for actor, status := range map[string]int{
			"stranger": http.StatusNotFound, "rival": http.StatusNotFound, "province": http.StatusForbidden, "": http.StatusUnauthorized,
		} {
			h.Get(t, actor, "/notices/"+n.ID, "").Want(t, status)
		}
	})
	t.Run("a list that waits for the position shows it", func(t *testing.T) {
		t.Parallel()
		var page struct{ Items []noticeView }
		list := h.Get(t, "police", "/notices?facility="+h.hotel+"&persons=true", first.Position())
		list.Want(t, http.StatusOK)
		list.Into(t, &page)
		if len(page.Items) != 1 || page.Items[0].ID != n.ID || page.Items[0].Guest == nil {
			t.Fatalf("%s", list.Body)
		}
	})
}

func TestChangesOfAStay(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := h.Post(t, "hotel", "/notices", "k1", stayOf(guestOf("Nguyễn Văn An"))).Text(t, "id")
	cancelled := h.Post(t, "hotel", "/notices", "k2", stayOf(guestOf("Lê Thị Hoa"))).Text(t, "id")

	h.Post(t, "hotel", "/notices/"+id+"/room", "r", object{"room": "202"}).Want(t, http.StatusOK)
	h.Post(t, "hotel", "/notices/"+id+"/extension", "e", object{"expected_departure": "2026-12-25"}).Want(t, http.StatusOK)
	h.Post(t, "hotel", "/notices/"+id+"/correction", "c", object{"guest": guestOf("Nguyễn Văn Ân"), "reason": "sai tên"}).Want(t, http.StatusOK)
	departed := h.Post(t, "hotel", "/notices/"+id+"/departure", "d", object{"departed_at": noon.Format(time.RFC3339)})
	departed.Want(t, http.StatusOK)
	h.Post(t, "hotel", "/notices/"+cancelled+"/cancellation", "x", object{"reason": "khách không đến"}).Want(t, http.StatusOK)

	var n noticeView
	h.Get(t, "hotel", "/notices/"+id, "").Into(t, &n)
	if n.Status != "departed" || n.Room != "202" || n.Guest.FullName != "Nguyễn Văn Ân" {
		t.Fatalf("%+v", n)
	}
	var history struct{ Items []struct{ Type string } }
	h.Get(t, "police", "/notices/"+id+"/history", "").Into(t, &history)
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
		again := h.Post(t, "hotel", "/notices/"+id+"/departure", "d", object{"departed_at": noon.Format(time.RFC3339)})
		again.Want(t, http.StatusOK)
		if again.Header.Get("Idempotent-Replay") != "true" || string(again.Body) != string(departed.Body) {
			t.Fatalf("%s", again.Body)
		}
	})
	t.Run("a departed guest does not change rooms", func(t *testing.T) {
		t.Parallel()
		refused := h.Post(t, "hotel", "/notices/"+id+"/room", "r2", object{"room": "303"})
		refused.Want(t, http.StatusUnprocessableEntity)
		if code := refused.Text(t, "code"); code != "notice_departed" {
			t.Fatal(code)
		}
	})
	t.Run("the police change nothing", func(t *testing.T) {
		t.Parallel()
		h.Post(t, "police", "/notices/"+id+"/room", "r3", object{"room": "303"}).Want(t, http.StatusForbidden)
	})
	t.Run("statistics leave cancelled stays out", func(t *testing.T) {
		t.Parallel()
		last := h.Post(t, "hotel", "/notices", "k3", stayOf(guestOf("Phạm Văn Dũng")))
		var counts struct {
			Items []struct {
				Key                       string
				Stays, Present, Cancelled int
			}
		}
		h.Get(t, "province", "/statistics?by=facility", last.Position()).Into(t, &counts)
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
		refused := h.Post(t, "police", "/facilities", "f1", body)
		refused.Want(t, http.StatusUnprocessableEntity)
		if diff := cmp.Diff([]string{"/unit unit_not_yours"}, refused.Faults(t)); diff != "" {
			t.Fatal(diff)
		}
	})
	t.Run("a revoked key is refused", func(t *testing.T) {
		t.Parallel()
		id := h.facility(t, "inn")
		h.Get(t, "inn", "/notices", "").Want(t, http.StatusOK)
		key := strings.Split(h.Token("inn"), "_")[1]
		h.Send(t, servicetest.Request{Method: http.MethodDelete, Actor: "police", Path: "/facilities/" + id + "/keys/" + key}).Want(t, http.StatusOK)
		if refused := h.Get(t, "inn", "/notices", ""); refused.Status != http.StatusUnauthorized || refused.Text(t, "code") != "key_revoked" {
			t.Fatalf("%d %s", refused.Status, refused.Body)
		}
	})
	t.Run("a replaced key goes on until its time, and the list says what became of it", func(t *testing.T) {
		t.Parallel()
		id := h.facility(t, "lodge")
		key := strings.Split(h.Token("lodge"), "_")[1]
		for range 2 { // a repeat has the same token
			next := h.Post(t, "police", "/facilities/"+id+"/keys/"+key+"/rotation", "rotate", object{})
			next.Want(t, http.StatusCreated)
			h.Hand("lodge-next", next.Text(t, "token"))
		}
		h.Get(t, "lodge", "/notices", "").Want(t, http.StatusOK)
		h.Get(t, "lodge-next", "/notices", "").Want(t, http.StatusOK)
		var list struct {
			Items []struct{ Key, Successor string }
		}
		h.Get(t, "police", "/facilities/"+id+"/keys", "").Into(t, &list)
		if len(list.Items) != 2 {
			t.Fatalf("%+v", list)
		}
		for _, k := range list.Items {
			if (k.Successor != "") != (k.Key == key) {
				t.Errorf("%+v", list)
			}
		}
		h.Get(t, "stranger", "/facilities/"+id+"/keys", "").Want(t, http.StatusNotFound)
	})
	t.Run("a suspended facility is refused until it is reinstated", func(t *testing.T) {
		t.Parallel()
		id := h.facility(t, "dorm")
		h.Post(t, "police", "/facilities/"+id+"/suspension", "s", object{"reason": "kiểm tra"}).Want(t, http.StatusOK)
		h.Get(t, "dorm", "/notices", "").Want(t, http.StatusUnauthorized)
		h.Post(t, "police", "/facilities/"+id+"/reinstatement", "r", object{"reason": "xong"}).Want(t, http.StatusOK)
		h.Get(t, "dorm", "/notices", "").Want(t, http.StatusOK)
	})
	t.Run("a list shows names to the commune, and the same key request the same token", func(t *testing.T) {
		t.Parallel()
		again := h.Post(t, "police", "/facilities/"+h.hotel+"/keys", "key-hotel", object{})
		if again.Text(t, "token") != h.Token("hotel") {
			t.Fatal("another token")
		}
		testkit.Eventually(t, func() error {
			if list := h.Get(t, "police", "/facilities", ""); !strings.Contains(string(list.Body), "Khách sạn hotel") {
				return fmt.Errorf("answered %d %s", list.Status, list.Body)
			}
			return nil
		})
		if list := h.Get(t, "stranger", "/facilities", ""); strings.Contains(string(list.Body), "hotel") {
			t.Fatalf("another commune sees %s", list.Body)
		}
	})
}

func TestLookups(t *testing.T) {
	t.Parallel()
	h := open(t)
	made := h.Post(t, "hotel", "/notices", "k1", stayOf(guestOf("Nguyễn Văn An")))
	for name, body := range map[string]object{
		"by document": {"document": object{"type": "citizen_id", "number": "001 090 123456"}, "purpose": "missing_person", "case": "A-1"},
		"by name":     {"full_name": "nguyen van an", "birth_date": "1990-01-15", "purpose": "missing_person", "case": "A-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h.Get(t, "police", "/notices", made.Position()).Want(t, http.StatusOK)
			var found struct{ Items []noticeView }
			h.Post(t, "police", "/lookups", "", body).Into(t, &found)
			if len(found.Items) != 1 || found.Items[0].ID != made.Text(t, "id") {
				t.Fatalf("%+v", found)
			}
		})
	}
	t.Run("without a purpose nothing is looked up", func(t *testing.T) {
		t.Parallel()
		refused := h.Post(t, "police", "/lookups", "", object{"full_name": "An", "birth_date": "1990"})
		refused.Want(t, http.StatusUnprocessableEntity)
		got := refused.Faults(t)
		slices.Sort(got)
		if diff := cmp.Diff([]string{"/case required", "/purpose required"}, got); diff != "" {
			t.Fatal(diff)
		}
	})
	for number, fault := range map[string]string{"--": "document_empty", "": "blank"} {
		t.Run("nobody hears that a document without a number was found nowhere, "+fault, func(t *testing.T) {
			t.Parallel()
			refused := h.Post(t, "police", "/lookups", "", object{
				"document": object{"type": "passport", "number": number}, "purpose": "missing_person", "case": "A-1",
			})
			refused.Want(t, http.StatusUnprocessableEntity)
			if diff := cmp.Diff([]string{"/document/number " + fault}, refused.Faults(t)); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestTheFrontDeskScansADocument(t *testing.T) {
	t.Parallel()
	h := open(t)
	scanned := h.Post(t, "hotel", "/scan", "", object{"text": "001090123456||Nguyễn Văn An|15011990|Nam|18 Trấn Vũ|10052021\r\n"})
	scanned.Want(t, http.StatusOK)
	var read struct {
		Kind  string
		Guest object
	}
	scanned.Into(t, &read)
	stay := stayOf(read.Guest)
	if h.Post(t, "hotel", "/notices", "scanned", stay).Want(t, http.StatusCreated); read.Kind != "card_qr" {
		t.Fatal(read.Kind)
	}
	h.Post(t, "province", "/scan", "", object{"text": "001090123456"}).Want(t, http.StatusForbidden)
}

// A row that somebody has been at is reported as such, and does not hide the others.
func TestADamagedRowDoesNotTakeOthersWithIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	var last servicetest.Answer
	for _, name := range []string{"Nguyễn Văn An", "Trần Thị Bình", "Lê Văn Cường"} {
		guest := guestOf(name)
		if name == "Trần Thị Bình" {
			guest["sex"], guest["document"] = "female", object{"type": "citizen_id", "number": "001190123456"}
		}
		last = h.Post(t, "hotel", "/notices", fmt.Sprint("damaged-", len(name)), stayOf(guest))
		last.Want(t, http.StatusCreated)
	}
	var refs []string
	rows, err := h.Pool.Query(t.Context(), `select data->>'guest' from events where type = 'accommodation.stay_notified.v1' order by position`)
	if err != nil {
		t.Fatal(err)
	}
	if refs, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Pool.Exec(t.Context(), `update vault set ciphertext = set_byte(ciphertext, 12, get_byte(ciphertext, 12) # 1) where ref = $1`, refs[1]); err != nil {
		t.Fatal(err)
	}
	resolved := h.Post(t, "identity", "/persons", "", object{"refs": refs, "purpose": "identity_check", "case": "c"})
	resolved.Want(t, http.StatusOK)
	type person struct {
		Unreadable bool
		Guest      *struct{}
	}
	var people struct{ Items []person }
	resolved.Into(t, &people)
	if len(people.Items) != 3 || people.Items[0].Guest == nil || !people.Items[1].Unreadable || people.Items[2].Guest == nil {
		t.Fatalf("%s", resolved.Body)
	}
	page := h.Get(t, "police", "/notices?persons=true", last.Position())
	page.Want(t, http.StatusOK)
	var list struct{ Items []person }
	page.Into(t, &list)
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
