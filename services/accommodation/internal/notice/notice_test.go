package notice_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/events/identity"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/accommodation/internal/duty"
	"github.com/songan-vn/songan/services/accommodation/internal/guest"
	"github.com/songan-vn/songan/services/accommodation/internal/notice"
)

type (
	facts = []events.Event
	kase  = decidertest.Case[notice.Notice]
)

func noon() time.Time { return decidertest.Noon() }

func arrived() time.Time { return noon().Add(-time.Hour) }

// asked is a stay as the command brings it; notified is the fact that follows at noon.
func asked() accommodation.StayNotified {
	return accommodation.StayNotified{
		Notice: "N1", Receipt: "R1", Facility: "F1", FacilityKind: "tourist",
		Unit:  accommodation.Unit{Code: "00004", ValidFrom: "2025-07-01"},
		Guest: "G1", Nationality: "VNM", DocumentType: "citizen_id",
		ArrivedAt: arrived(), ExpectedDeparture: "2026-11-23", Room: "101", Reason: "tourism",
	}
}

func notified() accommodation.StayNotified {
	s := asked()
	s.NotifiedAt = noon()
	s.Duties = dutiesAtNoon(false)
	return s
}

func dutiesAtNoon(foreigner bool) []accommodation.Duty {
	return duty.National().Fulfilled(duty.Stay{ArrivedAt: arrived(), Foreigner: foreigner}, noon())
}

func TestEveryFactHasACase(t *testing.T) {
	t.Parallel()
	decidertest.EvolvesAll[notice.Notice](t, accommodation.NoticeFacts())
}

func TestNotify(t *testing.T) {
	t.Parallel()
	edit := func(change func(*notice.Notify)) notice.Notify {
		c := notice.Notify{Stay: asked(), Rules: duty.National()}
		change(&c)
		return c
	}
	long, foreign, old := notified(), notified(), notified()
	long.ExpectedDeparture, long.Warnings = "2026-12-21", []string{notice.WarnTemporaryResidence}
	old.ArrivedAt, old.ExpectedDeparture = noon().AddDate(0, 0, -30), ""
	old.Warnings = []string{"unusual", notice.WarnTemporaryResidence}
	old.Duties = duty.National().Fulfilled(duty.Stay{ArrivedAt: old.ArrivedAt}, noon())
	foreign.Nationality, foreign.Duties = "DEU", dutiesAtNoon(true)

	decidertest.Run(t, []kase{
		{Name: "a stay is notified with its duty", When: edit(func(*notice.Notify) {}), Then: facts{notified()}},
		{
			Name: "a stay of 30 days is accepted with a warning",
			When: edit(func(c *notice.Notify) { c.Stay.ExpectedDeparture = "2026-12-21" }),
			Then: facts{long},
		},
		{
			Name: "who has been there for 30 days is no guest any more, whatever was expected",
			When: edit(func(c *notice.Notify) {
				c.Stay.ArrivedAt, c.Stay.ExpectedDeparture, c.Warnings = old.ArrivedAt, "", []string{"unusual"}
			}),
			Then: facts{old},
		},
		{
			Name: "a foreigner has two duties",
			When: edit(func(c *notice.Notify) { c.Stay.Nationality = "DEU" }),
			Then: facts{foreign},
		},
		{
			Name: "a guest from the day after tomorrow is refused", Problem: "invalid_body",
			When: edit(func(c *notice.Notify) { c.Stay.ArrivedAt = noon().Add(48 * time.Hour) }),
		},
		{
			Name: "a guest from two years ago is refused", Problem: "invalid_body",
			When: edit(func(c *notice.Notify) { c.Stay.ArrivedAt = noon().AddDate(-2, 0, 0) }),
		},
		{
			Name: "a departure before the arrival is refused", Problem: "invalid_body",
			When: edit(func(c *notice.Notify) { c.Stay.ExpectedDeparture = "2026-11-20" }),
		},
		{
			Name: "a stay cannot be notified over another", Problem: "notice_exists",
			Given: facts{notified()}, When: edit(func(*notice.Notify) {}),
		},
	})
}

func TestChanges(t *testing.T) {
	t.Parallel()
	departed := accommodation.Departed{Notice: "N1", DepartedAt: noon()}
	cancelled := accommodation.StayCancelled{Notice: "N1", Note: "V1"}

	decidertest.Run(t, []kase{
		{Name: "a guest departs", Given: facts{notified()}, When: notice.Depart{DepartedAt: noon()}, Then: facts{departed}},
		{
			Name: "nobody departs before they arrive", Given: facts{notified()}, Problem: "invalid_body",
			When: notice.Depart{DepartedAt: arrived().Add(-time.Second)},
		},
		{
			Name: "nobody departs tomorrow", Given: facts{notified()}, Problem: "invalid_body",
			When: notice.Depart{DepartedAt: noon().Add(24 * time.Hour)},
		},
		{
			Name: "nobody departs twice", Given: facts{notified(), departed}, Problem: "notice_departed",
			When: notice.Depart{DepartedAt: noon()},
		},
		{Name: "an unknown guest does not depart", When: notice.Depart{DepartedAt: noon()}, Problem: "notice_unknown"},
		{
			Name: "a stay is extended into temporary residence", Given: facts{notified()},
			When: notice.Extend{ExpectedDeparture: "2026-12-30"},
			Then: facts{accommodation.StayExtended{
				Notice: "N1", ExpectedDeparture: "2026-12-30", Warnings: []string{notice.WarnTemporaryResidence},
			}},
		},
		{
			Name: "the same day again is recorded", Given: facts{notified()},
			When: notice.Extend{ExpectedDeparture: "2026-11-23"},
			Then: facts{accommodation.StayExtended{Notice: "N1", ExpectedDeparture: "2026-11-23"}},
		},
		{
			Name: "an extension to a day before the arrival is refused", Given: facts{notified()}, Problem: "invalid_body",
			When: notice.Extend{ExpectedDeparture: "2026-11-01"},
		},
		{
			Name: "a guest moves to another room", Given: facts{notified()}, When: notice.ChangeRoom{Room: "202"},
			Then: facts{accommodation.RoomChanged{Notice: "N1", Room: "202"}},
		},
		{
			Name: "the same room is recorded", Given: facts{notified()}, When: notice.ChangeRoom{Room: "101"},
			Then: facts{accommodation.RoomChanged{Notice: "N1", Room: "101"}},
		},
		{Name: "a stay is cancelled", Given: facts{notified()}, When: notice.Cancel{Note: "V1"}, Then: facts{cancelled}},
		{
			Name: "a cancelled stay does not change", Given: facts{notified(), cancelled}, Problem: "notice_cancelled",
			When: notice.ChangeRoom{Room: "202"},
		},
		{
			Name: "a departed stay is not cancelled", Given: facts{notified(), departed}, Problem: "notice_departed",
			When: notice.Cancel{Note: "V1"},
		},
	})
}

func TestCorrections(t *testing.T) {
	t.Parallel()
	late := noon().Add(20 * time.Hour)
	correction := notice.Correct{
		Guest: "G2", Nationality: "DEU", DocumentType: "passport", Note: "V2", Rules: duty.National(), Warnings: nothing,
	}
	declaredLate := duty.National().Fulfilled(duty.Stay{ArrivedAt: arrived(), Foreigner: true}, late)[1]
	corrected := accommodation.GuestCorrected{
		Notice: "N1", Guest: "G2", Nationality: "DEU", DocumentType: "passport", Note: "V2",
		Duties: []accommodation.Duty{notified().Duties[0], declaredLate},
	}
	back := corrected
	back.Guest, back.Nationality, back.Duties = "G3", "VNM", notified().Duties
	taken := back
	taken.Guest = "G2"
	greta, again := notified(), corrected
	greta.Nationality, greta.Duties = "DEU", dutiesAtNoon(true)
	again.Duties = greta.Duties

	decidertest.Run(t, []kase{
		{
			Name:  "a guest who turns out to be a foreigner is declared from then on, and the notice in time stays in time",
			Given: facts{notified()}, At: late, When: correction, Then: facts{corrected},
		},
		{
			Name:  "a guest who turns out to be no foreigner has one duty",
			Given: facts{notified(), corrected}, Then: facts{back},
			When: notice.Correct{Guest: "G3", Nationality: "VNM", DocumentType: "passport", Note: "V2", Rules: duty.National(), Warnings: nothing},
		},
		{
			Name:  "a declaration that was made in time stays in time when a mistaken correction is undone",
			Given: facts{greta, taken}, At: late, When: correction, Then: facts{again},
		},
		{
			Name:  "a declaration that was made late stays late when a mistaken correction is undone",
			Given: facts{notified(), corrected, taken}, At: late.Add(time.Hour), When: correction, Then: facts{corrected},
		},
		{
			Name:  "a cancelled stay is not corrected",
			Given: facts{notified(), accommodation.StayCancelled{Notice: "N1"}}, When: correction, Problem: "notice_cancelled",
		},
		{Name: "a stay nobody notified is not corrected", When: correction, Problem: "notice_unknown"},
	})
}

// nothing is unusual about the person.
func nothing(vn.Date, string) []string { return nil }

func TestACorrectionWarnsOfTheGuestWhoArrived(t *testing.T) {
	t.Parallel()
	child := guest.Guest{Nationality: "VNM", BirthDate: "2016", Document: guest.Document{Type: guest.BirthCertificate, Number: "45/2016"}}
	visitor := guest.Guest{
		Nationality: "DEU", BirthDate: "1988", Document: guest.Document{Type: guest.Passport, Number: "C01X00T47", Expires: "2026-11-21"},
		Visa: &guest.Visa{Expires: "2026-11-21"}, Entry: &guest.Entry{Date: "2026-11-20"},
	}
	correct := func(g guest.Guest) notice.Correct {
		return notice.Correct{
			Guest: "G2", Nationality: g.Nationality, DocumentType: g.Document.Type, Note: "V2", Rules: duty.National(), Warnings: g.Warnings,
		}
	}
	then := func(g guest.Guest, warnings ...string) facts {
		return facts{accommodation.GuestCorrected{
			Notice: "N1", Guest: "G2", Nationality: g.Nationality, DocumentType: g.Document.Type, Note: "V2",
			Duties: dutiesAtNoon(g.Foreigner()), Warnings: warnings,
		}}
	}
	with, abroad := notified(), notified()
	with.AccompaniedBy = "N0"
	abroad.Nationality, abroad.Duties = "DEU", dutiesAtNoon(true)
	departed := accommodation.Departed{Notice: "N1", DepartedAt: noon()}
	days := func(n int) time.Time { return noon().AddDate(0, 0, n) }

	decidertest.Run(t, []kase{
		{Name: "a child who came alone", Given: facts{notified()}, When: correct(child), Then: then(child, guest.WarnChildAlone)},
		{Name: "a child who did not", Given: facts{with}, When: correct(child), Then: then(child)},
		{Name: "papers that expired since", Given: facts{abroad}, At: days(9), When: correct(visitor), Then: then(visitor)},
		{
			Name: "a stay that became too long since", Given: facts{notified()}, At: days(30), When: correct(child),
			Then: then(child, guest.WarnChildAlone, notice.WarnTemporaryResidence),
		},
		{
			Name: "a stay that ended in time is not longer for being corrected late", Given: facts{notified(), departed}, At: days(60),
			When: correct(child), Then: then(child, guest.WarnChildAlone),
		},
	})
}

func TestTheLengthOfAStayIsKnownWhenItEnds(t *testing.T) {
	t.Parallel()
	endless := notified()
	endless.ExpectedDeparture = ""
	unusual := notified()
	unusual.Warnings = []string{"unusual", notice.WarnTemporaryResidence}
	departed := func(day int) accommodation.Departed {
		return accommodation.Departed{Notice: "N1", DepartedAt: arrived().AddDate(0, 0, day)}
	}

	for name, c := range map[string]struct {
		history facts
		want    []string
	}{
		"29 days":                            {facts{endless, departed(29)}, nil},
		"30 days that nobody announced":      {facts{endless, departed(30)}, []string{notice.WarnTemporaryResidence}},
		"40 days of two that were announced": {facts{notified(), departed(40)}, []string{notice.WarnTemporaryResidence}},
		"a warning for want of a departure is taken back, others are not": {facts{unusual, departed(2)}, []string{"unusual"}},
	} {
		if diff := cmp.Diff(c.want, decider.Fold(notice.Notice{}, c.history...).Warnings, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	decidertest.Run(t, []kase{{
		Name: "who is still there on day 30 is expected too long already", Given: facts{endless}, At: arrived().AddDate(0, 0, 30),
		When: notice.Extend{ExpectedDeparture: "2026-11-24"},
		Then: facts{accommodation.StayExtended{
			Notice: "N1", ExpectedDeparture: "2026-11-24", Warnings: []string{notice.WarnTemporaryResidence},
		}},
	}})
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	recorded := accommodation.IdentityRecorded{Notice: "N1", Guest: "G1", Result: "mismatched", Fields: []string{"birth_date"}}
	answer := notice.RecordIdentity{Guest: "G1", Result: "mismatched", Fields: []string{"birth_date"}}
	corrected := accommodation.GuestCorrected{Notice: "N1", Guest: "G2", Nationality: "VNM", DocumentType: "citizen_id"}

	decidertest.Run(t, []kase{
		{Name: "an answer is recorded", Given: facts{notified()}, When: answer, Then: facts{recorded}},
		{Name: "the same answer again changes nothing", Given: facts{notified(), recorded}, When: answer},
		{Name: "an answer about a person who was corrected since is dropped", Given: facts{notified(), corrected}, When: answer},
		{Name: "an answer about no notice is refused", When: answer, Problem: "notice_unknown"},
		{
			Name: "an answer still counts after the departure", When: answer, Then: facts{recorded},
			Given: facts{notified(), accommodation.Departed{Notice: "N1", DepartedAt: noon()}},
		},
	})
}

// Whatever is asked in whatever order, a stay that is over stays over, and the duties never lose the notice.
func TestAStayThatIsOverStaysOver(t *testing.T) {
	t.Parallel()
	commands := []decider.Command[notice.Notice]{
		notice.Notify{Stay: asked(), Rules: duty.National()},
		notice.Depart{DepartedAt: noon()},
		notice.Extend{ExpectedDeparture: "2026-12-30"},
		notice.ChangeRoom{Room: "9"},
		notice.Correct{Guest: "G2", Nationality: "DEU", DocumentType: "passport", Rules: duty.National(), Warnings: nothing},
		notice.Cancel{Note: "V"},
		notice.RecordIdentity{Guest: "G1", Result: identity.ResultMatched},
	}
	rapid.Check(t, func(t *rapid.T) {
		var n notice.Notice
		for _, i := range rapid.SliceOf(rapid.IntRange(0, len(commands)-1)).Draw(t, "commands") {
			before := n
			decided, err := commands[i].Decide(n, decider.Meta{At: noon()})
			if err != nil && len(decided) > 0 {
				t.Fatal("a refused command decided facts")
			}
			n = decider.Fold(n, decided...)
			if over := before.Status == notice.Gone || before.Status == notice.Cancelled; over && n.Status != before.Status {
				t.Fatalf("%s became %s", before.Status, n.Status)
			}
			if n.Exists() && (len(n.Duties) == 0 || n.Duties[0].Kind != duty.StayNotice) {
				t.Fatalf("duties %v", n.Duties)
			}
		}
	})
}
