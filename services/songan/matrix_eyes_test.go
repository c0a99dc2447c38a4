package songan_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/testkit"
)

// insider is one person with every key and session that they could get hold of: a key of each role that touches money, in
// their own name, beside the session of the officer they are.
const insider = "demo-lisa"

// hireInsider adds keys to the operator's file for somebody who signs in as an officer already, in every role.
func hireInsider(t *testing.T, file string) map[access.Role]string {
	t.Helper()
	ring, err := access.ReadKeys(file)
	if err != nil {
		t.Fatal(err)
	}
	keys, tokens := slices.Collect(maps.Values(ring)), map[access.Role]string{}
	for _, role := range []access.Role{access.Accountant, access.Approver, access.Treasurer} {
		token, key := access.Generate(access.Principal{ID: insider, Role: role, Unit: ourUnit, SecondFactor: true})
		tokens[role], keys = token, append(keys, key)
	}
	if err := access.WriteKeys(file, keys); err != nil {
		t.Fatal(err)
	}
	return tokens
}

// fourEyes lets one person try to do what takes several: with two roles, with a key beside a session, and with the roles
// of others. A list is made by the insider; nothing that follows may be done by them in any name.
func (a *attack) fourEyes() {
	a.t.Helper()
	v := newVisitor(a.t, a.machine)
	v.signIn("lisa") // by their session
	list := a.drafted(v)
	a.wants("the maker submits", v.post(list+"/submission", "{}"), http.StatusOK, `"submitted"`)

	const same = "same_person"
	a.wants("the maker's session checks", v.post(list+"/check", "{}"), http.StatusForbidden, "role_not_allowed")
	a.refusedAs("the maker's other key checks", a.try(http.MethodPost, list+"/check", a.insider[access.Accountant], "", struct{}{}), same)
	a.wants("the maker's approver key skips the check", a.try(http.MethodPost, list+"/approval", a.insider[access.Approver], "", struct{}{}), http.StatusUnprocessableEntity, "")
	a.wants("the accountant checks", a.try(http.MethodPost, list+"/check", a.demo.Actors["accountant"].Token, "", struct{}{}), http.StatusOK, `"checked"`)
	a.refusedAs("the maker's approver key", a.try(http.MethodPost, list+"/approval", a.insider[access.Approver], "", struct{}{}), same)
	a.wants("the accountant approves", a.try(http.MethodPost, list+"/approval", a.demo.Actors["accountant"].Token, "", struct{}{}), http.StatusForbidden, "role_not_allowed")
	a.wants("the chair approves", a.try(http.MethodPost, list+"/approval", a.demo.Actors["chairman"].Token, "", struct{}{}), http.StatusOK, `"approved"`)
	for what, token := range map[string]string{
		"the maker": a.demo.Actors["lisa"].Token, "the checker": a.demo.Actors["accountant"].Token, "the approver": a.demo.Actors["chairman"].Token,
	} {
		a.wants(what+" releases", a.try(http.MethodPost, list+"/release", token, "", struct{}{}), http.StatusForbidden, "role_not_allowed")
		a.wants(what+" funds", a.try(http.MethodPost, list+"/funding", token, "", map[string]any{"amount": 1, "reference": "KB-9"}), http.StatusForbidden, "role_not_allowed")
	}
	if got := a.try(http.MethodPost, list+"/release", a.insider[access.Treasurer], "", struct{}{}); got.status == http.StatusOK {
		a.t.Errorf("the maker's treasurer key releases: %s", got.body)
	}
}

// refusedAs wants the domain's refusal because of the person, whatever it is called there.
func (a *attack) refusedAs(what string, got page, code string) {
	a.t.Helper()
	if got.status != http.StatusUnprocessableEntity && got.status != http.StatusConflict || !strings.Contains(got.body, code) {
		a.t.Errorf("%s: answered %d %.300s", what, got.status, got.body)
	}
}

// acrossManagers has the manager of one facility reach for the keys and stays of another.
func (a *attack) acrossManagers() {
	a.t.Helper()
	hotel, hospital := a.demo.Actors["hotel"].Facility, a.demo.Actors["hospital"].Facility
	mine := a.hire(a.t, access.Principal{Role: access.FacilityManager, Facility: hospital})
	victim := a.issue(hotel)
	nobody := "/accommodation/v1/facilities/abcdefghijklmnopqrstuvwxyz/keys"
	theirs := "/accommodation/v1/facilities/" + hotel + "/keys"
	a.like("another facility's keys", a.try(http.MethodGet, theirs, mine, "", nil), a.try(http.MethodGet, nobody, mine, "", nil))
	a.like("a key for another facility", a.try(http.MethodPost, theirs, mine, "", struct{}{}), a.try(http.MethodPost, nobody, mine, "", struct{}{}))
	a.like("another facility's key, replaced", a.try(http.MethodPost, theirs+"/"+victim["key"]+"/rotation", mine, "", struct{}{}),
		a.try(http.MethodPost, nobody+"/"+victim["key"]+"/rotation", mine, "", struct{}{}))
	a.like("another facility's key, revoked", a.try(http.MethodDelete, theirs+"/"+victim["key"], mine, "", nil), a.try(http.MethodDelete, nobody+"/"+victim["key"], mine, "", nil))
	own := "/accommodation/v1/facilities/" + hospital + "/keys/" + victim["key"]
	a.like("another facility's key, through one's own", a.try(http.MethodDelete, own, mine, "", nil), a.try(http.MethodDelete, filepath.Dir(own)+"/nothing", mine, "", nil))
	for _, path := range []string{"/notices?facility=" + hotel, "/notices?unit=" + ourUnit, "/statistics?by=facility", "/facilities"} {
		if got := a.try(http.MethodGet, "/accommodation/v1"+path, mine, "", nil); got.status != http.StatusOK || strings.Contains(got.body, hotel) {
			a.t.Errorf("the hospital's manager asks for %s: %d %s", path, got.status, got.body)
		}
	}
	a.wants("a manager notifies", a.try(http.MethodPost, "/accommodation/v1/notices", mine, "", stay(7, time.Now())), http.StatusForbidden, "role_not_allowed")
	if got := a.try(http.MethodGet, "/accommodation/v1/notices", victim["token"], "", nil); got.status != http.StatusOK {
		a.t.Errorf("the key did not survive: %d", got.status)
	}
	given := a.try(http.MethodPost, "/accommodation/v1/facilities/"+hospital+"/keys", mine, "", struct{}{})
	a.wants("their own key", given, http.StatusCreated, "token")
}

// drafted is a list that pays somebody, drafted by a session: which month and programme has one depends on the payday.
func (a *attack) drafted(v *visitor) (list string) {
	a.t.Helper()
	for _, programme := range []string{"social_pension", "social_assistance"} {
		for ahead := range 3 {
			month := time.Now().AddDate(0, ahead, 0).Format("2006-01")
			made := v.post("/disbursement/v1/payrolls", `{"unit":"`+ourUnit+`","programme":"`+programme+`","month":"`+month+`"}`)
			if made.status != http.StatusCreated {
				continue // there is one already
			}
			list = "/disbursement/v1/payrolls/" + idOf(a.t, made)
			if a.lines(list) > 0 {
				return list
			}
		}
	}
	a.t.Fatal("no list pays anybody")
	return list
}

// lines waits until the lines of a list are there, and counts them.
func (a *attack) lines(list string) (lines int) {
	a.t.Helper()
	testkit.Eventually(a.t, func() error {
		var read struct {
			Totals *struct{ Lines int }
		}
		got := a.try(http.MethodGet, list, a.demo.Actors["lisa"].Token, "", nil)
		if err := json.Unmarshal([]byte(got.body), &read); err != nil || read.Totals == nil {
			return fmt.Errorf("the list is not computed: %d %s", got.status, got.body)
		}
		lines = read.Totals.Lines
		return nil
	})
	return lines
}
