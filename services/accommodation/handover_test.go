package accommodation_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit/policytest"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/accommodation"
)

// On the first of July 2025 communes were merged. Whose stays lay in one of them are read by the successor's police from midnight
// in Vietnam, and not before; its own police reach nothing any more, whatever they still hold.
func TestAMergedCommunesStaysAreTheSuccessorsFromMidnight(t *testing.T) {
	t.Parallel()
	const merged = "00001" // Phường Phúc Xá
	directory, err := units.Load()
	if err != nil {
		t.Fatal(err)
	}
	old, found := directory.Find(merged, vn.MustDate(2025, time.June, 30))
	after := directory.On(old, vn.MustDate(2025, time.July, 1))
	if _, still := directory.Find(merged, vn.MustDate(2025, time.July, 1)); !found || still || len(after) == 0 {
		t.Fatalf("the directory does not merge %s: %v", merged, after)
	}
	people := staff()
	people["before"] = access.Principal{ID: "before", Role: access.CommunePolice, Unit: merged}
	people["after"] = access.Principal{ID: "after", Role: access.CommunePolice, Unit: after[0].Code}
	people["elsewhere"] = access.Principal{ID: "elsewhere", Role: access.CommunePolice, Unit: "00235"}
	if slices.ContainsFunc(after, func(u units.Unit) bool { return u.Code == "00235" }) {
		t.Fatal("there is no elsewhere")
	}
	evening := time.Date(2025, time.June, 30, 23, 59, 0, 0, vn.Zone)
	h := &house{Service: servicetest.Prepare(t, servicetest.Options{Name: accommodation.Name, At: evening, Staff: people})}
	h.Start(t, func(ctx context.Context, deps service.Deps) (service.Service, error) {
		deps.API.Policy = policytest.Load(t, h.Clock.Now)
		return accommodation.New(ctx, deps)
	})
	made := h.Post(t, "before", "/facilities", "inn", object{"name": "Nhà nghỉ", "kind": "tourist", "unit": merged, "address": "3 Nghĩa Dũng"})
	made.Want(t, http.StatusCreated)
	inn := made.Text(t, "id")
	h.Hand("inn", h.Post(t, "before", "/facilities/"+inn+"/keys", "key", object{}).Text(t, "token"))
	stay := stayOf(guestOf("Nguyễn Văn An"))
	stay["arrived_at"], stay["expected_departure"] = evening.Add(-time.Hour).Format(time.RFC3339), "2025-07-02"
	stayed := h.Post(t, "inn", "/notices", "stay", stay)
	stayed.Want(t, http.StatusCreated)
	id := stayed.Text(t, "id")

	sees := func(actor string, one, listed int) {
		t.Helper()
		h.Get(t, actor, "/notices/"+id, "").Want(t, one)
		var page struct{ Items []noticeView }
		list := h.Get(t, actor, "/notices", stayed.Position())
		if list.Status == http.StatusOK {
			list.Into(t, &page)
		}
		if len(page.Items) != listed {
			t.Errorf("%s: %d stays in the list: %s", actor, len(page.Items), list.Body)
		}
	}
	sees("before", http.StatusOK, 1)
	sees("after", http.StatusNotFound, 0)
	h.Clock.Advance(time.Minute)
	sees("before", http.StatusNotFound, 0)
	sees("after", http.StatusOK, 1)
	sees("elsewhere", http.StatusNotFound, 0)
	h.Post(t, "before", "/facilities/"+inn+"/suspension", "late", object{"reason": "kiểm tra"}).Want(t, http.StatusNotFound)
	h.Post(t, "after", "/facilities/"+inn+"/suspension", "now", object{"reason": "kiểm tra"}).Want(t, http.StatusOK)
	h.Get(t, "inn", "/notices", "").Want(t, http.StatusUnauthorized)
}
