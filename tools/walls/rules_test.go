package walls_test

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/tools/walls"
)

const ours = walls.Prefix

func TestARequirementOfAnotherServiceIsFound(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		module walls.Module
		want   []string
	}{
		{
			"a service may require the shared modules",
			walls.Module{Path: ours + "services/identity", Requires: []string{ours + "events", ours + "libs", ours + "libs/embedded"}},
			nil,
		},
		{
			"a service must not require another one",
			walls.Module{Path: ours + "services/identity", Requires: []string{ours + "events", ours + "services/accommodation"}},
			[]string{"services/identity requires services/accommodation"},
		},
		{
			"services/songan requires them all",
			walls.Module{Path: ours + "services/songan", Requires: []string{ours + "services/identity"}},
			nil,
		},
		{
			"a tool is no service",
			walls.Module{Path: ours + "tools/walls", Requires: []string{ours + "services/identity"}},
			nil,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := gocmp.Diff(c.want, walls.RequiresNoOther(c.module)); diff != "" {
				t.Fatalf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatABinaryMustNotLinkIsFound(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, service, main string
		deps, want          []string
	}{
		{
			"a service links libs, facts and itself", "identity", "services/identity/cmd/identity",
			[]string{"net/http", ours + "events/identity", ours + "libs/eventstore", ours + "services/identity"},
			nil,
		},
		{
			"embedded servers, through however many packages", "identity", "services/identity/cmd/identity",
			[]string{ours + "libs/service", ours + "libs/embedded/postgres"},
			[]string{"services/identity/cmd/identity links " + ours + "libs/embedded/postgres: it is for one machine"},
		},
		{
			"another service, even one whose name begins the same", "identity", "services/identity/cmd/identity",
			[]string{ours + "services/identity/internal/check", ours + "services/identitycards"},
			[]string{"services/identity/cmd/identity links " + ours + "services/identitycards: it is another service"},
		},
		{
			"songan links embedded servers and services", "songan", "services/songan/cmd/songan",
			[]string{ours + "libs/embedded/kafka", ours + "services/identity"},
			nil,
		},
		{
			"nobody links what is for tests, songan neither", "songan", "services/songan/cmd/songan",
			[]string{ours + "libs/testkit", ours + "libs/decider/decidertest", ours + "events/eventstest"},
			[]string{
				"services/songan/cmd/songan links " + ours + "libs/testkit: it is for tests",
				"services/songan/cmd/songan links " + ours + "libs/decider/decidertest: it is for tests",
				"services/songan/cmd/songan links " + ours + "events/eventstest: it is for tests",
			},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := walls.LinksOnlyItsOwn(c.service, walls.Package{ImportPath: ours + c.main, Deps: c.deps})
			if diff := gocmp.Diff(c.want, got); diff != "" {
				t.Fatalf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPurePackageThatReachesOutIsFound(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, from    string
		imports, want []string
	}{
		{
			"a domain imports the vocabulary and its neighbours", "services/accommodation/internal/notice",
			[]string{"time", ours + "events/accommodation", ours + "libs/vn/units", ours + "services/accommodation/internal/duty"},
			nil,
		},
		{
			"a domain must not reach into its own I/O rooms", "services/accommodation/internal/notice",
			[]string{ours + "services/accommodation/internal/projections", ours + "services/accommodation/internal/clients/population"},
			[]string{
				"services/accommodation/internal/notice is pure and imports services/accommodation/internal/projections",
				"services/accommodation/internal/notice is pure and imports services/accommodation/internal/clients/population",
			},
		},
		{
			"a domain must not use libs that do I/O", "services/accommodation/internal/notice/deeper",
			[]string{ours + "libs/eventstore"},
			[]string{"services/accommodation/internal/notice/deeper is pure and imports libs/eventstore"},
		},
		{"an I/O room imports what it likes", "services/accommodation/internal/projections", []string{ours + "libs/eventstore"}, nil},
		{"the root of a service wires", "services/accommodation", []string{ours + "libs/service"}, nil},
		{"songan has no domain", "services/songan/internal/demo", []string{ours + "libs/embedded/kafka"}, nil},
		{"a simulator is I/O", "services/simulators/internal/bank", []string{ours + "libs/httpapi"}, nil},
		{"so is what stands within one", "services/simulators/bank/internal/desk", []string{ours + "services/simulators/internal/dice"}, nil},
		{"decidertest is for tests", "libs/decider/decidertest", []string{ours + "libs/testkit"}, nil},
		{
			"facts know no tests' tools", "events/identity",
			[]string{ours + "events", ours + "events/eventstest"},
			[]string{"events/identity is pure and imports events/eventstest"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := walls.StaysPure(walls.Package{ImportPath: ours + c.from, Imports: c.imports})
			if diff := gocmp.Diff(c.want, got); diff != "" {
				t.Fatalf("faults (-want +got):\n%s", diff)
			}
		})
	}
}
