package accommodation_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/service/servicetest"
)

// lan is a child of ten with her number on the birth certificate.
func lan() object {
	return object{
		"full_name": "Trần Ngọc Lan", "birth_date": "2016-05-02", "sex": "female", "nationality": "VNM",
		"document": object{"type": "birth_certificate", "number": "001316123456"},
	}
}

// with is a stay in somebody's company.
func with(guest object, companion string) object {
	stay := stayOf(guest)
	stay["accompanied_by"] = companion
	return stay
}

// now makes a stay begin at noon; others began an hour before.
func now(stay object) object {
	stay["arrived_at"] = noon
	return stay
}

func warningsOf(t *testing.T, a servicetest.Answer) []string {
	t.Helper()
	var answer struct{ Warnings []struct{ Code string } }
	a.Into(t, &answer)
	codes := []string{}
	for _, w := range answer.Warnings {
		codes = append(codes, w.Code)
	}
	return codes
}

func TestACompanionStaysHereNow(t *testing.T) {
	t.Parallel()
	h := open(t)
	notified := func(key string, guest object) string {
		made := h.Post(t, "hotel", "/notices", key, stayOf(guest))
		made.Want(t, http.StatusCreated)
		return made.Text(t, "id")
	}
	adult, cancelled, departed, child := notified("a", guestOf("Nguyễn Văn An")), notified("b", guestOf("Lê Văn Bình")),
		notified("c", guestOf("Võ Văn Cúc")), notified("d", lan())
	accompanied := h.Post(t, "hotel", "/notices", "before", with(lan(), cancelled))
	accompanied.Want(t, http.StatusCreated)
	h.Post(t, "hotel", "/notices/"+cancelled+"/cancellation", "x", object{"reason": "khách không đến"}).Want(t, http.StatusOK)
	h.Post(t, "hotel", "/notices/"+departed+"/departure", "y", object{"departed_at": noon.Add(-time.Minute)}).Want(t, http.StatusOK)

	carer := stayOf(guestOf("Trần Văn Đức"))
	carer["accompanied_by"], carer["reason"] = child, "medical_carer"
	for name, c := range map[string]struct {
		stay object
		want []string
	}{
		"an adult who is here":              {with(lan(), adult), nil},
		"nobody":                            {with(lan(), "nobody"), []string{"/accompanied_by accompanied_by_unknown"}},
		"an adult who never came":           {with(lan(), cancelled), []string{"/accompanied_by accompanied_by_over"}},
		"an adult who had left":             {now(with(lan(), departed)), []string{"/accompanied_by accompanied_by_over"}},
		"an adult who left since":           {with(lan(), departed), nil},
		"another child, who is alone":       {with(lan(), child), []string{"/accompanied_by accompanied_by_minor"}},
		"a child is the patient of a carer": {carer, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := h.Post(t, "hotel", "/notices", strings.ReplaceAll(name, " ", "-"), c.stay)
			if c.want == nil {
				answer.Want(t, http.StatusCreated)
				if diff := cmp.Diff([]string{}, warningsOf(t, answer)); diff != "" {
					t.Error(diff)
				}
				return
			}
			answer.Want(t, http.StatusUnprocessableEntity)
			if diff := cmp.Diff(c.want, answer.Faults(t)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("a repeat is told what was, though the companion never came", func(t *testing.T) {
		t.Parallel()
		again := h.Post(t, "hotel", "/notices", "before", with(lan(), cancelled))
		if again.Status != http.StatusCreated || string(again.Body) != string(accompanied.Body) {
			t.Errorf("%d %s", again.Status, again.Body)
		}
	})
}

func TestACorrectionKeepsTheWarningAboutAChild(t *testing.T) {
	t.Parallel()
	h := open(t)
	alone := h.Post(t, "hotel", "/notices", "alone", stayOf(lan()))
	adult := h.Post(t, "hotel", "/notices", "adult", stayOf(guestOf("Nguyễn Văn An")))
	family := h.Post(t, "hotel", "/notices", "family", with(lan(), adult.Text(t, "id")))
	named := lan()
	named["full_name"] = "Trần Ngọc Lân"
	for i, c := range []struct {
		notice servicetest.Answer
		guest  object
		want   []string
	}{
		{alone, named, []string{"child_without_adult"}},
		{adult, named, []string{"child_without_adult"}}, // the year was mistyped
		{family, named, []string{}},
		{alone, guestOf("Nguyễn Văn An"), []string{}},
	} {
		id := c.notice.Text(t, "id")
		corrected := h.Post(t, "hotel", "/notices/"+id+"/correction", fmt.Sprint(i), object{"guest": c.guest, "reason": "gõ nhầm"})
		corrected.Want(t, http.StatusOK)
		if diff := cmp.Diff(c.want, warningsOf(t, corrected)); diff != "" {
			t.Error(diff)
		}
	}
}
