package policy_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/territory"
	"github.com/songan-vn/songan/libs/vn/units"
)

const (
	commune   = "00004"
	neighbour = "00008"
	province  = "01"
)

func noon() time.Time { return time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC) }

func options(t testing.TB) policy.Options {
	t.Helper()
	directory, err := units.Load()
	if err != nil {
		t.Fatal(err)
	}
	return policy.Options{Units: directory, Now: noon}
}

func load(t testing.TB) *policy.Policy {
	t.Helper()
	p, err := policy.Load(options(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func action(t testing.TB, p *policy.Policy, name string) *policy.Action {
	t.Helper()
	a, known := p.Action(name)
	if !known {
		t.Fatalf("no action %s", name)
	}
	return a
}

// in is something of a unit of today.
func in(code string) policy.Thing { return policy.Thing{Unit: territory.Key(code, "2025-07-01")} }

func of(facility string) policy.Thing {
	return policy.Thing{Facility: facility, Unit: in(commune).Unit}
}

func TestWhoMayDoWhatToWhat(t *testing.T) {
	t.Parallel()
	p := load(t)
	hotel := access.Principal{ID: "k", Role: access.Facility, Facility: "hotel", Unit: commune}
	manager := access.Principal{ID: "m", Role: access.FacilityManager, Facility: "hotel"}
	officer := func(role access.Role, unit string) access.Principal {
		return access.Principal{ID: "o", Role: role, Unit: unit, SecondFactor: true}
	}
	icb := access.Principal{ID: "b", Role: access.Bank, Bank: "ICBVVNVX"}
	asked := in(commune)
	asked.Purpose, asked.Case = "missing_person", "BD-1"
	halfAsked := asked
	halfAsked.Case = ""
	for _, c := range []struct {
		name, action string
		who          access.Principal
		what         policy.Thing
		want         bool
	}{
		{"a facility, its own stay", "accommodation.record_departure", hotel, of("hotel"), true},
		{"a facility, another's stay in the same commune", "accommodation.record_departure", hotel, of("hospital"), false},
		{"a facility, a stay of nobody's", "accommodation.record_departure", hotel, in(commune), false},
		{"a manager notifies nothing", "accommodation.notify_stay", manager, of("hotel"), false},
		{"a manager, the facility's keys", "accommodation.revoke_key", manager, of("hotel"), true},
		{"a manager, another's keys", "accommodation.revoke_key", manager, of("hospital"), false},
		{"the police, their commune", "accommodation.read_stay", officer(access.CommunePolice, commune), of("hotel"), true},
		{"the police, another commune", "accommodation.read_stay", officer(access.CommunePolice, neighbour), of("hotel"), false},
		{"the police of a province", "accommodation.read_stay", officer(access.CommunePolice, province), of("hotel"), true},
		{"police without a unit", "accommodation.read_stay", officer(access.CommunePolice, ""), of("hotel"), false},
		{"police with a code that means nothing", "accommodation.read_stay", officer(access.CommunePolice, "99999"), of("hotel"), false},
		{"steering without a unit counts everything", "accommodation.count_stays", officer(access.Steering, ""), of("hotel"), true},
		{"steering of another commune does not", "accommodation.count_stays", officer(access.Steering, neighbour), of("hotel"), false},
		{"an auditor of a commune reads it", "disbursement.read_payment", officer(access.Auditor, commune), in(commune), true},
		{"an auditor of a commune reads no other", "disbursement.read_payment", officer(access.Auditor, commune), in(neighbour), false},
		{"an auditor changes nothing", "disbursement.release_payroll", officer(access.Auditor, ""), in(commune), false},
		{"an admin has no part in paying", "disbursement.release_payroll", access.Principal{Role: access.Admin, SecondFactor: true}, in(commune), false},
		{"a treasurer of the province pays a commune's list", "disbursement.release_payroll", officer(access.Treasurer, province), in(commune), true},
		{"a treasurer without a second factor does not", "disbursement.release_payroll", access.Principal{Role: access.Treasurer, Unit: province}, in(commune), false},
		{"a maker does not approve", "disbursement.approve_payroll", officer(access.LISAOfficer, commune), in(commune), false},
		{"a bank, its own channel", "bankgateway.list_banks", icb, policy.Thing{Bank: "ICBVVNVX"}, true},
		{"a bank, another's", "bankgateway.list_banks", icb, policy.Thing{Bank: "BIDVVNVX"}, false},
		{"a bank pauses nothing", "bankgateway.pause_bank", icb, policy.Thing{Bank: "ICBVVNVX"}, false},
		{"a lookup for a purpose and a case", "accommodation.look_up_person", officer(access.CommunePolice, commune), asked, true},
		{"a lookup without a case", "accommodation.look_up_person", officer(access.CommunePolice, commune), halfAsked, false},
		{"a lookup without either", "accommodation.look_up_person", officer(access.CommunePolice, commune), in(commune), false},
		{"what cannot be read is nobody's", "disbursement.read_payment", officer(access.LISAOfficer, commune), policy.Thing{Unit: territory.Key(commune, "yesterday")}, false},
		{"nobody", "disbursement.read_payment", access.Principal{}, in(commune), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := action(t, p, c.action).Pass(c.who).May(c.what); got != c.want {
				t.Fatalf("may: %t", got)
			}
		})
	}
}

func TestBeforeAnythingIsReadOnlyThoseAreAdmittedWhoCouldEverDoIt(t *testing.T) {
	t.Parallel()
	p := load(t)
	for _, c := range []struct {
		name, action string
		who          access.Principal
		code         string
	}{
		{"a role that may", "disbursement.draft_payroll", access.Principal{Role: access.LISAOfficer, Unit: commune}, ""},
		{"a role that may not", "disbursement.draft_payroll", access.Principal{Role: access.Approver, Unit: commune, SecondFactor: true}, "role_not_allowed"},
		{"a role that needs a unit and has none", "disbursement.draft_payroll", access.Principal{Role: access.LISAOfficer}, "role_not_allowed"},
		{"a facility's role without a facility", "accommodation.notify_stay", access.Principal{Role: access.Facility, Unit: commune}, "role_not_allowed"},
		{"a second factor that is lacking", "disbursement.approve_payroll", access.Principal{Role: access.Approver, Unit: commune}, "second_factor_required"},
		{"one that would not help", "disbursement.approve_payroll", access.Principal{Role: access.Admin}, "role_not_allowed"},
		{"the purpose is asked for later", "accommodation.look_up_person", access.Principal{Role: access.CommunePolice, Unit: commune}, ""},
		{"an office of the province", "bankgateway.list_banks", access.Principal{Role: access.Steering, Unit: province}, ""},
		{"an office of a commune", "bankgateway.list_banks", access.Principal{Role: access.Steering, Unit: commune}, "role_not_allowed"},
		{"an office of a province that was merged away", "bankgateway.list_banks", access.Principal{Role: access.Steering, Unit: "06"}, "role_not_allowed"},
		{"an office of no province", "bankgateway.list_banks", access.Principal{Role: access.Auditor, Unit: "99"}, "role_not_allowed"},
		{"no role", "disbursement.read_programmes", access.Principal{Role: "visitor"}, ""}, // the law is everybody's
		{"no role, anything else", "accommodation.count_stays", access.Principal{Role: "visitor"}, "role_not_allowed"},
	} {
		err := action(t, p, c.action).Admit(c.who)
		if (err != nil) != (c.code != "") || err != nil && problem.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %q", c.name, err, c.code)
		}
	}
	if (policy.Pass{}).May(in(commune)) || (policy.Pass{}).Reach().Units.Has(in(commune).Unit) {
		t.Error("a pass for nothing lets through")
	}
	if action(t, p, "accounts.read_account").Pass(access.Principal{Role: access.Admin}).Also("accounts.no_such_action").May(in(commune)) {
		t.Error("an action that does not exist lets through")
	}
}

// principals and things that an attacker could think of.
func anybody(t *rapid.T) access.Principal {
	return access.Principal{
		Role: rapid.SampledFrom(access.Roles()).Draw(t, "role"), SecondFactor: rapid.Bool().Draw(t, "factor"),
		Unit:     rapid.SampledFrom([]string{"", commune, neighbour, province, "79", "99999"}).Draw(t, "unit"),
		Facility: rapid.SampledFrom([]string{"", "hotel", "hospital", "own"}).Draw(t, "facility"),
		Bank:     rapid.SampledFrom([]string{"", "ICBVVNVX", "BIDVVNVX"}).Draw(t, "bank"),
	}
}

func anything(t *rapid.T) policy.Thing {
	return policy.Thing{
		Unit:     rapid.SampledFrom([]units.Key{{}, in(commune).Unit, in(neighbour).Unit, in(province).Unit, territory.Key("00001", "")}).Draw(t, "its unit"),
		Facility: rapid.SampledFrom([]string{"", "hotel", "hospital"}).Draw(t, "its facility"),
		Bank:     rapid.SampledFrom([]string{"", "ICBVVNVX", "BIDVVNVX"}).Draw(t, "its bank"),
	}
}

// What a list shows and what may be opened from it are the same things.
func TestAListIsFilteredByWhatThePoliciesSayOfEachThing(t *testing.T) {
	t.Parallel()
	p := load(t)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(p.Actions()).Draw(t, "action")
		a, _ := p.Action(name)
		who, what := anybody(t), anything(t)
		what.Purpose, what.Case = "police_check", "2026/1" // without them nobody is looked up
		reach := a.Pass(who).Reach()
		listed := (reach.Facility == "" || reach.Facility == what.Facility) && (reach.Bank == "" || reach.Bank == what.Bank) && reach.Units.Has(what.Unit)
		may := a.Pass(who).May(what)
		if may != listed {
			t.Fatalf("may: %t, listed: %t", may, listed)
		}
		if may && a.Admit(who) != nil {
			t.Fatal("whoever may do it is not admitted")
		}
	})
}

// files are the policies with one file changed, or added.
func files(t testing.TB, name string, change func(string) string) fstest.MapFS {
	t.Helper()
	all := fstest.MapFS{}
	err := fs.WalkDir(policy.Files(), "policies", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(policy.Files(), path)
		all[path] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	before := ""
	if f := all["policies/"+name]; f != nil {
		before = string(f.Data)
	}
	all["policies/"+name] = &fstest.MapFile{Data: []byte(change(before))}
	return all
}

func TestPoliciesThatAreWrongDoNotStart(t *testing.T) {
	t.Parallel()
	add := func(text string) func(string) string {
		return func(before string) string { return before + "\n" + text }
	}
	const head = `@id("planted") @why("a mistake") `
	for name, c := range map[string]struct {
		file   string
		change func(string) string
		says   string
	}{
		"an action that does not exist": {"more.cedar", add(head + `permit (principal in Role::"admin", action == Action::"accounts.do_anything", resource);`), "accounts.do_anything"},
		"one among others":              {"more.cedar", add(head + `permit (principal, action in [Action::"accounts.read_account", Action::"accounts.read_acount"], resource);`), "read_acount"},
		"a role that does not exist":    {"more.cedar", add(head + `permit (principal in Role::"mayor", action == Action::"accounts.read_account", resource);`), "mayor"},
		"an attribute that is no such":  {"more.cedar", add(head + `permit (principal, action == Action::"accounts.read_account", resource) when { principal.rank == "high" };`), "rank"},
		"a place":                       {"more.cedar", add(head + `permit (principal, action == Action::"accounts.read_account", resource) when { resource in Unit::"00004" };`), "speaks of relations"},
		"no reason":                     {"more.cedar", add(`@id("planted") permit (principal, action == Action::"accounts.read_account", resource);`), "no @why"},
		"a name that is taken":          {"more.cedar", add(`@id("the-treasury-pays") @why("x") permit (principal, action == Action::"accounts.read_account", resource);`), "two policies"},
		"two bounds at once":            {"more.cedar", add(head + `permit (principal in Role::"service", action == Action::"accounts.read_account", resource) when { resource in principal.unit && resource in principal.bank };`), "bounded in 0 ways"},
		"two ways to be bounded":        {"more.cedar", add(head + `permit (principal in Role::"service", action == Action::"accounts.read_account", resource) when { resource in principal.unit || resource in principal.bank };`), "bounded in 2 ways"},
		"no Cedar":                      {"more.cedar", add(`allow everybody;`), "more.cedar"},
		"a schema without an action":    {"schema.cedarschema", func(s string) string { return strings.Replace(s, `"disbursement.release_payroll", `, "", 1) }, "release_payroll"},
		"an action that nobody may":     {"schema.cedarschema", add(`action "accounts.forgotten" appliesTo { principal: Caller, resource: Thing, context: Circumstances };`), "nobody may ever do accounts.forgotten"},
		"an action that is neither": {"schema.cedarschema", func(s string) string {
			return strings.Replace(s, `action "auth.list_sessions"
  in ["auth.read"]`, `action "auth.list_sessions"`, 1)
		}, "auth.list_sessions lies in none"},
		"an action that is both": {"schema.cedarschema", func(s string) string {
			return strings.Replace(s, `in ["auth.read"]`, `in ["auth.read", "auth.write"]`, 1)
		}, "auth.list_sessions lies in none, or in several"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := policy.Read(files(t, c.file, c.change), options(t))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v, want something about %q", err, c.says)
			}
		})
	}
}

// A policy may speak of the time: an answer is good until the minute ends. A policy that cannot be evaluated refuses.
func TestAnswersAreNotKeptLongerThanTheyAreTrue(t *testing.T) {
	t.Parallel()
	const until = `@id("planted") @why("an emergency that ends") permit (principal in Role::"admin", action == Action::"accounts.read_account", resource)
		when { context.now < datetime("2026-11-22T05:01:00Z") };`
	now := noon()
	o := options(t)
	o.Now = func() time.Time { return now }
	p, err := policy.Read(files(t, "more.cedar", func(string) string { return until }), o)
	if err != nil {
		t.Fatal(err)
	}
	a, who := action(t, p, "accounts.read_account"), access.Principal{Role: access.Admin}
	var got []bool
	for _, after := range []time.Duration{0, 59 * time.Second, time.Minute, 30 * time.Second} {
		now = noon().Add(after)
		got = append(got, a.Admit(who) == nil, a.Pass(who).May(in(commune)))
	}
	if diff := cmp.Diff([]bool{true, true, true, true, false, false, true, true}, got); diff != "" {
		t.Error(diff)
	}
	const broken = `@id("planted") @why("x") forbid (principal, action == Action::"accounts.read_account", resource)
		when { context.now.offset(duration("1ms")) > context.now.offset(duration("9223372036854775807ms")) };`
	if p, err = policy.Read(files(t, "more.cedar", func(string) string { return broken }), options(t)); err != nil {
		t.Fatal(err)
	}
	if action(t, p, "accounts.read_account").Admit(access.Principal{Role: access.Auditor}) == nil {
		t.Error("a forbid that fails is no forbid")
	}
}

func TestEveryPolicyHasAReasonThatAReviewerCanRead(t *testing.T) {
	t.Parallel()
	for _, r := range load(t).Rules() {
		if len(strings.Fields(r.Why)) < 5 || !strings.HasSuffix(r.Why, ".") || !strings.Contains(r.Text, r.ID) || !strings.HasSuffix(r.Text, ";") {
			t.Errorf("%s: %q\n%s", r.ID, r.Why, r.Text)
		}
	}
}

// Parts of one old commune became parts of both: that does not open either's lists to the other.
func TestAnOfficersUnitLiesInItsProvinceAndInNoNeighbour(t *testing.T) {
	t.Parallel()
	read := action(t, load(t), "disbursement.read_payroll")
	for unit, want := range map[string]bool{commune: true, province: true, neighbour: false, "79": false} {
		if got := read.Pass(access.Principal{Role: access.LISAOfficer, Unit: commune}).LiesIn(in(unit).Unit); got != want {
			t.Errorf("%s: %t", unit, got)
		}
	}
	if read.Pass(access.Principal{Role: access.CommunePolice, Unit: commune}).LiesIn(in(province).Unit) {
		t.Error("a role that may not lies in it, too")
	}
}

func Example() {
	directory, err := units.Load()
	if err != nil {
		panic(err)
	}
	p, err := policy.Load(policy.Options{Units: directory, Now: noon})
	if err != nil {
		panic(err)
	}
	read, _ := p.Action("accommodation.read_stay")
	police := access.Principal{Role: access.CommunePolice, Unit: "00004"}
	fmt.Println(read.Admit(police), read.Pass(police).May(of("hotel")), slices.Contains(read.Pass(police).Reach().Units.Names(), "00004@2025-07-01"))
	// Output: <nil> true true
}

func BenchmarkAdmit(b *testing.B) {
	a := action(b, load(b), "accommodation.notify_stay")
	who := access.Principal{ID: "x", Role: access.Facility, Facility: "f", Unit: commune}
	b.ReportAllocs()
	for b.Loop() {
		if a.Admit(who) != nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkMay(b *testing.B) {
	p := load(b)
	asked := in(commune)
	asked.Purpose, asked.Case = "missing_person", "BD-1" // is not remembered
	for _, c := range []struct {
		name, action string
		who          access.Principal
		what         policy.Thing
	}{
		{"a facility, its stay", "accommodation.record_departure", access.Principal{Role: access.Facility, Facility: "f", Unit: commune}, of("f")},
		{"an officer, a payroll", "disbursement.release_payroll", access.Principal{Role: access.Treasurer, Unit: province, SecondFactor: true}, in(commune)},
		{"an auditor, a payment", "disbursement.read_payment", access.Principal{Role: access.Auditor}, in(commune)},
		{"the police, a lookup", "accommodation.look_up_person", access.Principal{Role: access.CommunePolice, Unit: commune}, asked},
	} {
		b.Run(c.name, func(b *testing.B) {
			pass := action(b, p, c.action).Pass(c.who)
			b.ReportAllocs()
			for b.Loop() {
				if !pass.May(c.what) {
					b.Fatal("refused")
				}
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for b.Loop() {
		if _, err := policy.Read(policy.Files(), options(b)); err != nil {
			b.Fatal(err)
		}
	}
}
