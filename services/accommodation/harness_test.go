package accommodation_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/services/accommodation"
)

// house is the service as a client sees it.
type house struct {
	*servicetest.Service

	hotel string // id of the facility of the actor "hotel"
}

// noon is when tests happen: a Saturday at 14:00.
var noon = time.Date(2026, 11, 21, 14, 0, 0, 0, time.FixedZone("+07", 7*3600)) //nolint:gochecknoglobals // a constant

// open starts the service and registers a hotel, as the police would.
func open(t *testing.T) *house {
	t.Helper()
	h := &house{Service: servicetest.Prepare(t, servicetest.Options{Name: accommodation.Name, At: noon, Staff: staff()})}
	h.Start(t, accommodation.New)
	h.hotel = h.facility(t, "hotel")
	return h
}

// staff are the people and programs with keys of their own.
func staff() map[string]access.Principal {
	return map[string]access.Principal{
		"police":   {ID: "lan", Role: access.CommunePolice, Unit: "00004"},
		"stranger": {ID: "minh", Role: access.CommunePolice, Unit: "00008"},
		"admin":    {ID: "root", Role: access.Admin},
		"auditor":  {ID: "auditor", Role: access.Auditor},
		"province": {ID: "province", Role: access.Steering},
		"identity": {ID: "identity", Role: access.Service},
	}
}

// facility registers a place and gives the actor its key.
func (h *house) facility(t *testing.T, actor string) string {
	t.Helper()
	made := h.Post(t, "police", "/facilities", "facility-"+actor, object{
		"name": "Khách sạn " + actor, "kind": "tourist", "unit": "00004", "address": "18 Trấn Vũ",
	})
	made.Want(t, http.StatusCreated)
	id := made.Text(t, "id")
	issued := h.Post(t, "police", "/facilities/"+id+"/keys", "key-"+actor, object{})
	issued.Want(t, http.StatusCreated)
	h.Hand(actor, issued.Text(t, "token"))
	return id
}

type object = map[string]any

// guestOf is a citizen whose number agrees with the rest.
func guestOf(name string) object {
	return object{
		"full_name": name, "birth_date": "1990-01-15", "sex": "male", "nationality": "VNM",
		"document": object{"type": "citizen_id", "number": "001090123456"},
	}
}

func stayOf(guest object) object {
	return object{
		"guest": guest, "arrived_at": noon.Add(-time.Hour).Format(time.RFC3339), "expected_departure": "2026-11-23",
		"room": "101", "reason": "tourism",
	}
}
