package duty_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/services/accommodation/internal/duty"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, arrived, due string }{
		{"an arrival in the afternoon is due at 23:00", "2026-11-21T14:00:00+07:00", "2026-11-21T23:00:00+07:00"},
		{"an arrival a second before 23:00 is due at 23:00", "2026-11-21T22:59:59+07:00", "2026-11-21T23:00:00+07:00"},
		{"an arrival at 23:00 sharp is due the next morning", "2026-11-21T23:00:00+07:00", "2026-11-22T08:00:00+07:00"},
		{"an arrival after midnight is due the same morning", "2026-11-21T00:30:00+07:00", "2026-11-21T08:00:00+07:00"},
		{"an arrival at 08:00 sharp is due at 23:00", "2026-11-21T08:00:00+07:00", "2026-11-21T23:00:00+07:00"},
		{"New Year's Eve runs into the next year", "2026-12-31T23:30:00+07:00", "2027-01-01T08:00:00+07:00"},
		{"the clock is Vietnam's, whatever the offset", "2026-01-31T16:30:00Z", "2026-02-01T08:00:00+07:00"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			arrived := at(t, c.arrived)
			duties := duty.National().Fulfilled(duty.Stay{ArrivedAt: arrived}, arrived)
			if len(duties) != 1 || !duties[0].DueAt.Equal(at(t, c.due)) {
				t.Fatalf("got %+v, want one duty due at %s", duties, c.due)
			}
		})
	}
}

func TestForeigners(t *testing.T) {
	t.Parallel()
	arrived, notified := at(t, "2026-03-02T22:00:00+07:00"), at(t, "2026-03-02T23:30:00.5+07:00")
	notice := accommodation.Duty{
		Kind: duty.StayNotice, DueAt: at(t, "2026-03-02T23:00:00+07:00"), NotifiedAt: notified, LateBySeconds: 1801,
		Rule: "stay_notice.2021-07", LegalBasis: "Luật Cư trú 68/2020/QH14, Điều 30",
	}
	declaration := accommodation.Duty{
		Kind: duty.ImmigrationDeclaration, DueAt: at(t, "2026-03-03T10:00:00+07:00"), NotifiedAt: notified,
		Rule: "immigration.2015-01", LegalBasis: "Luật 47/2014/QH13, Điều 33",
	}
	stay := duty.Stay{ArrivedAt: arrived, Foreigner: true}

	t.Run("a foreigner has two duties with two clocks", func(t *testing.T) {
		t.Parallel()
		want := []accommodation.Duty{notice, declaration}
		if diff := cmp.Diff(want, duty.National().Fulfilled(stay, notified)); diff != "" {
			t.Fatal(diff)
		}
	})
	t.Run("a remote facility has twice the time to declare", func(t *testing.T) {
		t.Parallel()
		remote := declaration
		remote.DueAt = at(t, "2026-03-03T22:00:00+07:00")
		stay := stay
		stay.Remote = true
		if diff := cmp.Diff([]accommodation.Duty{notice, remote}, duty.National().Fulfilled(stay, notified)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestRulesChangeWithTheDayOfArrival(t *testing.T) {
	t.Parallel()
	for arrived, rule := range map[string]string{
		"2026-06-30T23:59:59+07:00": "stay_notice.2021-07",
		"2026-07-01T00:00:00+07:00": "stay_notice.2026-07",
		"2026-06-30T17:00:00Z":      "stay_notice.2026-07",
	} {
		duties := duty.National().Fulfilled(duty.Stay{ArrivedAt: at(t, arrived)}, at(t, arrived))
		if duties[0].Rule != rule {
			t.Errorf("%s: rule %s, want %s", arrived, duties[0].Rule, rule)
		}
	}
}

func TestADeadlineIsNeverBeforeTheArrivalNorADayAfter(t *testing.T) {
	t.Parallel()
	rules := duty.National()
	start := at(t, "2022-01-01T00:00:00Z").Unix()
	rapid.Check(t, func(t *rapid.T) {
		arrived := time.Unix(start+rapid.Int64Range(0, 10*365*86400).Draw(t, "second"), 0)
		notified := arrived.Add(time.Duration(rapid.Int64Range(0, int64(72*time.Hour)).Draw(t, "delay")))
		for _, d := range rules.Fulfilled(duty.Stay{ArrivedAt: arrived}, notified) {
			if !d.DueAt.After(arrived) || d.DueAt.Sub(arrived) > 15*time.Hour {
				t.Fatalf("arrived %s, due %s", arrived, d.DueAt)
			}
			if (d.LateBySeconds > 0) != notified.After(d.DueAt) {
				t.Fatalf("notified %s, due %s, late by %d s", notified, d.DueAt, d.LateBySeconds)
			}
		}
	})
}

func TestParseRefusesRulesThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	const good = `{"id":"a","kind":"stay_notice","applies_to":"everyone","valid_from":"2021-07-01","legal_basis":"x","before":"23:00","next_morning":"08:00"}`
	for name, edit := range map[string][2]string{
		"an impossible day":  {"2021-07-01", "2021-02-30"},
		"an impossible hour": {"23:00", "25:00"},
		"an unknown field":   {`"id"`, `"idd"`},
		"an unknown kind":    {"stay_notice", "stay_wish"},
		"no legal basis":     {`"x"`, `""`},
		"a rule twice":       {good, good + "," + good},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := `{"note":"","rules":[` + strings.Replace(good, edit[0], edit[1], 1) + `]}`
			if _, err := duty.Parse([]byte(file)); err == nil {
				t.Fatal("the file was accepted")
			}
		})
	}
}
