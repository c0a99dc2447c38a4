package songan_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// visit has guests from abroad sleep in the hotel, and their names and passports typed where they do not belong.
func (a *aviary) visit() {
	a.t.Helper()
	for n := range foreigners {
		guest := plantForeigner(a.scanner, n)
		name, passport := guest["full_name"].(string), passportOf(n)
		body := map[string]any{"guest": guest, "arrived_at": time.Now().Format(time.RFC3339), "reason": "tourism"}
		a.do(http.MethodPost, "/accommodation/v1/notices", "hotel", fmt.Sprint("foreigner-", n), body, http.StatusCreated)
		for _, path := range []string{
			"/accommodation/v1/notices/" + passport, "/accommodation/v1/notices?facility=" + passport, "/accounts/v1/accounts/" + passport + "/history",
			"/accommodation/v1/notices?cursor=" + base64.RawURLEncoding.EncodeToString([]byte(passport)), "/" + url.PathEscape(name),
		} {
			a.do(http.MethodGet, path, "police", "", nil)
		}
		for field, value := range map[string]string{"room": passport, "group": passport, "reason": name, "expected_departure": name, passport: name} {
			spoilt := map[string]any{"guest": guest, "arrived_at": body["arrived_at"], "reason": "tourism"}
			spoilt[field] = value
			a.do(http.MethodPost, "/accommodation/v1/notices", "hotel", fmt.Sprint("foreigner-", n, len(field), len(value)), spoilt, http.StatusUnprocessableEntity, http.StatusBadRequest)
		}
		lookup := map[string]any{"purpose": "missing_person", "case": passport, "full_name": name, "birth_date": guest["birth_date"]}
		a.do(http.MethodPost, "/accommodation/v1/lookups", "police", "", lookup, http.StatusUnprocessableEntity)
		lookup["case"] = fmt.Sprint("BD-", n)
		a.do(http.MethodPost, "/accommodation/v1/lookups", "police", "", lookup, http.StatusOK)
	}
}

// tellsOnly looks into what a person is told, which is about that person and about nobody else.
func (a *aviary) tellsOnly(n int, answer string) {
	a.t.Helper()
	for m, p := range a.people {
		for what, word := range map[string]string{"name": p.FullName, "document": p.Document.Number} {
			if strings.Contains(answer, word) != (m == n) {
				a.t.Errorf("what person %d is told holds the %s of person %d: %t", n, what, m, m != n)
			}
		}
	}
}

// askBack has people ask what is kept about them, and to be erased.
func (a *aviary) askBack() {
	a.t.Helper()
	for n, p := range a.people[:10] {
		kind := []string{"access", "erasure"}[n%2]
		const path = "/accommodation/v1/subject-requests"
		body := map[string]any{"kind": kind, "case": fmt.Sprint("2026/", n), "document": p.Document.Number}
		taken := a.make(a.t, "admin", path, body)
		answer := string(a.do(http.MethodPost, path+"/"+taken["id"]+"/reply", "admin", "", struct{}{}, http.StatusOK))
		if kind == "access" {
			a.tellsOnly(n, answer)
		} else {
			a.refusals.add(answer)
		}
		body["case"] = p.Document.Number
		a.do(http.MethodPost, path, "admin", "spoilt", body, http.StatusUnprocessableEntity)
		body["case"], body["kind"] = "7", p.FullName
		a.do(http.MethodPost, path, "admin", "spoilt", body, http.StatusUnprocessableEntity)
		a.do(http.MethodPost, path+"/"+p.Document.Number+"/reply", "admin", "", struct{}{}, http.StatusNotFound)
	}
}
