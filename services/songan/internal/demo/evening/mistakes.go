package evening

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/songan/internal/demo/client"
)

// mistake is one thing that a front desk does wrong.
type mistake struct {
	// code is what the answer calls it.
	code string
	// unreadable mistakes are answered with 400 when they come alone.
	unreadable bool
	// foreigner marks one that is only made about guests from abroad.
	foreigner bool
	// notice spoils the body, raw its text.
	notice func(notice client.Object, now time.Time)
	raw    func(body []byte) []byte
}

func (m *mistake) status() int {
	if m.unreadable {
		return http.StatusBadRequest
	}
	return http.StatusUnprocessableEntity
}

// reused is what becomes of a guest who is entered under the key of another.
const reused = "idempotency_key_reused"

// mistakes are all that front desks do wrong in a single check-in.
func mistakes() []mistake {
	return []mistake{
		{code: "citizen_id_sex_mismatch", notice: guest(otherSex)},
		{code: "citizen_id_year_mismatch", notice: guest(otherYear)},
		{code: "citizen_id_length", notice: document(func(d client.Object) { d["number"] = fmt.Sprint(d["number"])[:11] })},
		{code: "citizen_id_not_digits", notice: document(func(d client.Object) { d["number"] = fmt.Sprint(d["number"])[:11] + "O" })},
		{code: "number_required", notice: document(func(d client.Object) { delete(d, "number") })},
		{code: "required", notice: guest(func(g client.Object) { delete(g, "full_name") })},
		{code: "unknown_field", notice: func(n client.Object, _ time.Time) { n["room_rate"] = 450_000 }},
		{code: "impossible_date", notice: guest(func(g client.Object) { g["birth_date"] = "1990-02-30" })},
		{code: "country_unknown", foreigner: true, notice: guest(func(g client.Object) { g["nationality"] = "ABC" })},
		{code: "passport_expiry_required", foreigner: true, notice: document(func(d client.Object) { delete(d, "expires") })},
		{code: "not_allowed", notice: func(n client.Object, _ time.Time) { n["reason"] = "holiday" }},
		{code: "arrived_in_future", notice: arrivesLater},
		{code: "departure_before_arrival", notice: leavesEarlier},
		{code: "accompanied_by_unknown", notice: func(n client.Object, _ time.Time) { n["accompanied_by"] = "aaaaaaaaaaaaaaaaaaaaaaaaaa" }},
		{code: "duplicate_key", raw: func(b []byte) []byte { return bytes.Replace(b, []byte("{"), []byte(`{"room":"1",`), 1) }},
		{code: "malformed_json", unreadable: true, raw: func(b []byte) []byte { return b[:len(b)-2] }},
	}
}

func guest(spoil func(client.Object)) func(client.Object, time.Time) {
	return func(notice client.Object, _ time.Time) {
		if person, ok := notice["guest"].(client.Object); ok {
			spoil(person)
		}
	}
}

func document(spoil func(client.Object)) func(client.Object, time.Time) {
	return guest(func(person client.Object) {
		if papers, ok := person["document"].(client.Object); ok {
			spoil(papers)
		}
	})
}

func otherSex(person client.Object) {
	other := vn.Male
	if person["sex"] == string(vn.Male) {
		other = vn.Female
	}
	person["sex"] = string(other)
}

func otherYear(person client.Object) {
	year, err := strconv.Atoi(fmt.Sprint(person["birth_date"])[:4])
	if err == nil {
		person["birth_date"] = strconv.Itoa(year-1) + "-03-01"
	}
}

func arrivesLater(notice client.Object, now time.Time) {
	tomorrow := now.AddDate(0, 0, 1)
	notice["arrived_at"] = tomorrow.Format(time.RFC3339)
	notice["expected_departure"] = departure(tomorrow, 1)
}

func leavesEarlier(notice client.Object, now time.Time) {
	notice["expected_departure"] = departure(now, -2) // a guest who is late arrived yesterday
}

// err makes the guest one that is entered wrongly, each mistake in its turn.
func (p *planner) err(g *Guest) {
	all := mistakes()
	m := all[p.spoiled%len(all)]
	p.spoiled++
	if m.foreigner {
		g.Person = p.crowd.Foreigner()
	}
	g.mistake = &m
	g.Want = Outcome{Code: m.code, Status: m.status()}
}
