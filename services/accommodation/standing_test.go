package accommodation_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/services/accommodation"
)

// believed is how long a service believes what it knows of a key or a facility.
const believed = 5 * time.Second

// tokens are of a provider: "Bearer role.facility" is somebody of that role there.
type tokens struct{}

// Credential is what has a dot, as no key has.
func (tokens) Credential(r *http.Request) string {
	said, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !strings.Contains(said, ".") {
		return ""
	}
	return said
}

// Prove believes it.
func (tokens) Prove(_ context.Context, _ *http.Request, said string) (access.Principal, error) {
	role, place, _ := strings.Cut(said, ".")
	return access.Principal{ID: "machine", Role: access.Role(role), Facility: place}, nil
}

// cut is who was cut off, and when.
type cut struct {
	mu  sync.Mutex
	off map[string]time.Time
}

func (c *cut) since(_ context.Context, at time.Time, people ...string) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(people, func(id string) bool {
		until, is := c.off[id]
		return is && !at.After(until)
	}), nil
}

func (c *cut) away(person string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off[person] = at
}

// openWith starts the service with tokens of a provider, and somebody who cuts people off.
func openWith(t *testing.T) (*house, *cut) {
	t.Helper()
	c := &cut{off: map[string]time.Time{}}
	h := &house{Service: servicetest.Prepare(t, servicetest.Options{Name: accommodation.Name, At: noon, Staff: staff()})}
	h.Start(t, func(ctx context.Context, d service.Deps) (service.Service, error) {
		d.Proofs, d.CutOff = append(d.Proofs, tokens{}), c.since
		return accommodation.New(ctx, d)
	})
	h.hotel = h.facility(t, "hotel")
	return h, c
}

func TestASuspendedFacilityIsLetInByNothing(t *testing.T) {
	t.Parallel()
	h, _ := openWith(t)
	other := h.facility(t, "other")
	for role, name := range map[access.Role]string{access.Facility: "machine", access.FacilityManager: "manager"} {
		h.Hand(name, string(role)+"."+h.hotel)
		h.Hand("other-"+name, string(role)+"."+other)
	}
	asked := func() (codes []string) {
		for _, who := range []string{"hotel", "machine", "manager", "other", "other-machine", "other-manager"} {
			answer := h.Get(t, who, "/notices", "")
			codes = append(codes, fmt.Sprint(answer.Status))
		}
		for _, who := range []string{"machine", "other-machine"} {
			answer := h.Post(t, who, "/notices", who+fmt.Sprint(h.Clock.Now().UnixNano()), stayOf(guestOf("Nguyễn Văn An")))
			codes = append(codes, fmt.Sprint(answer.Status))
		}
		return codes
	}
	before := asked()
	h.Post(t, "police", "/facilities/"+h.hotel+"/suspension", "s", object{"reason": "kiểm tra"}).Want(t, http.StatusOK)
	during := asked()
	if refused := h.Get(t, "machine", "/notices", ""); refused.Text(t, "code") != "facility_suspended" {
		t.Errorf("%d %s", refused.Status, refused.Body)
	}
	h.Clock.Advance(time.Second)
	h.Post(t, "police", "/facilities/"+h.hotel+"/reinstatement", "r", object{"reason": "xong"}).Want(t, http.StatusOK)
	want := [][]string{
		{"200", "200", "200", "200", "200", "200", "201", "201"},
		{"401", "403", "403", "200", "200", "200", "403", "201"},
		{"200", "200", "200", "200", "200", "200", "201", "201"},
	}
	if diff := cmp.Diff(want, [][]string{before, during, asked()}); diff != "" {
		t.Error(diff)
	}
}

func TestWhoIsCutOffTakesTheFacilitysKeysAlongThatTheyGaveOut(t *testing.T) {
	t.Parallel()
	h, c := openWith(t)
	h.Hand("manager", string(access.FacilityManager)+"."+h.hotel)
	keys := "/facilities/" + h.hotel + "/keys"
	h.Hand("given", h.Post(t, "manager", keys, "given", object{}).Text(t, "token"))
	hotels := strings.Split(h.Token("hotel"), "_")[1]
	h.Hand("next", h.Post(t, "manager", keys+"/"+hotels+"/rotation", "next", object{}).Text(t, "token"))
	asked := func() (codes []string) {
		for _, who := range []string{"hotel", "given", "next", "after"} {
			if h.Token(who) != "" {
				answer := h.Get(t, who, "/notices", "")
				codes = append(codes, fmt.Sprint(answer.Status))
			}
		}
		return codes
	}
	var got [][]string
	got = append(got, asked())
	c.away("machine", h.Clock.Now()) // as which the manager is known
	h.Clock.Advance(believed)
	got = append(got, asked())
	h.Hand("after", h.Post(t, "manager", keys, "after", object{}).Text(t, "token")) // by whoever has the name now
	got = append(got, asked())
	c.away("lan", h.Clock.Now())
	h.Clock.Advance(believed)
	got = append(got, asked())
	c.away(strings.Split(h.Token("after"), "_")[1], h.Clock.Now()) // who holds a key is known by it
	h.Clock.Advance(believed)
	got = append(got, asked())
	want := [][]string{
		{"200", "200", "200"}, {"200", "401", "401"}, {"200", "401", "401", "200"}, {"401", "401", "401", "200"}, {"401", "401", "401", "401"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var list struct {
		Items []struct {
			IssuedBy string `json:"issued_by"`
		}
	}
	h.Get(t, "police", keys, "").Into(t, &list)
	var by []string
	for _, k := range list.Items {
		by = append(by, k.IssuedBy)
	}
	slices.Sort(by)
	if diff := cmp.Diff([]string{"facility:machine", "facility:machine", "facility:machine", "officer:lan"}, by); diff != "" {
		t.Error(diff)
	}
}

// A key of a facility shows its guests in full, so whoever gave one out could have read them by it.
func TestAPersonLearnsWhoGaveOutTheKeyThatReadThem(t *testing.T) {
	t.Parallel()
	h := open(t)
	made := h.Post(t, "hotel", "/notices", "k1", stayOf(guestOf("Nguyễn Văn An")))
	h.Get(t, "hotel", "/notices/"+made.Text(t, "id"), "").Want(t, http.StatusOK)
	h.Get(t, "police", "/notices/"+made.Text(t, "id"), made.Position()).Want(t, http.StatusOK)
	h.Get(t, "police", "/notices", made.Position()).Want(t, http.StatusOK) // the model is as far
	asked := h.Post(t, "admin", "/subject-requests", "k2", object{"kind": "access", "case": "2026/117", "document": "001090123456"})
	asked.Want(t, http.StatusCreated)
	var told struct {
		Readings []struct {
			Actor       string
			KeyIssuedBy string `json:"key_issued_by"`
		}
	}
	h.Post(t, "admin", "/subject-requests/"+asked.Text(t, "id")+"/reply", "", object{}).Into(t, &told)
	behind := map[string]string{}
	for _, r := range told.Readings {
		behind[r.Actor] = r.KeyIssuedBy
	}
	key := strings.Split(h.Token("hotel"), "_")[1]
	if diff := cmp.Diff(map[string]string{"facility:" + key: "officer:lan", "officer:lan": "", "officer:root": ""}, behind); diff != "" {
		t.Error(diff)
	}
}

func TestAnAdministratorTakesKeysAwayAndGivesNoneOut(t *testing.T) {
	t.Parallel()
	h := open(t)
	keys := "/facilities/" + h.hotel + "/keys"
	key := strings.Split(h.Token("hotel"), "_")[1]
	for _, path := range []string{keys, keys + "/" + key + "/rotation"} {
		if refused := h.Post(t, "admin", path, "k", object{}); refused.Status != http.StatusForbidden || refused.Text(t, "code") != "role_not_allowed" {
			t.Errorf("%s: %d %s", path, refused.Status, refused.Body)
		}
	}
	h.Send(t, servicetest.Request{Method: http.MethodDelete, Actor: "admin", Path: keys + "/" + key}).Want(t, http.StatusOK)
	if refused := h.Get(t, "hotel", "/notices", ""); refused.Text(t, "code") != "key_revoked" {
		t.Errorf("%d %s", refused.Status, refused.Body)
	}
}
