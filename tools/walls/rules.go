package walls

import (
	"fmt"
	"slices"
	"strings"
)

// rooms are the three places of a service's internal folder where I/O lives.
func rooms() []string { return []string{"projections", "reactions", "clients"} }

// wiring are the services that have no domain of their own: the process that holds all others, and the stand-ins
// for the world outside.
func wiring() []string { return []string{"songan", "simulators"} }

// onlyForTests are packages that no binary may link.
func onlyForTests() []string {
	return []string{
		Prefix + "libs/testkit", Prefix + "libs/embedded/missing", Prefix + "libs/decider/decidertest", Prefix + "libs/service/servicetest",
		Prefix + "events/eventstest",
	}
}

// RequiresNoOther tells which other services a service's go.mod requires. Only services/songan may.
func RequiresNoOther(m Module) []string {
	if m.Service() == "" || m.Service() == "songan" {
		return nil
	}
	var faults []string
	for _, required := range m.Requires {
		if strings.HasPrefix(required, Prefix+"services/") {
			faults = append(faults, fmt.Sprintf("%s requires %s", m.Name(), strings.TrimPrefix(required, Prefix)))
		}
	}
	return faults
}

// LinksOnlyItsOwn tells what a service's binary links although it must not: tests' tools, the embedded servers,
// other services.
func LinksOnlyItsOwn(service string, main Package) []string {
	var faults []string
	for _, dep := range main.Deps {
		if why := mustNotLink(service, dep); why != "" {
			faults = append(faults, fmt.Sprintf("%s links %s: %s", strings.TrimPrefix(main.ImportPath, Prefix), dep, why))
		}
	}
	return faults
}

func mustNotLink(service, dep string) string {
	if slices.ContainsFunc(onlyForTests(), func(p string) bool { return within(dep, p) }) {
		return "it is for tests"
	}
	if service == "songan" {
		return ""
	}
	if within(dep, Prefix+"libs/embedded") {
		return "it is for one machine"
	}
	if within(dep, Prefix+"services") && !within(dep, Prefix+"services/"+service) {
		return "it is another service"
	}
	return ""
}

// StaysPure tells which of our own packages a pure package imports although they are not pure. The linter knows
// which foreign packages are; that a service's domain does not reach into its own I/O rooms is seen here.
func StaysPure(p Package) []string {
	if !pure(p.ImportPath) {
		return nil
	}
	var faults []string
	for _, imported := range p.Imports {
		if within(imported, strings.TrimSuffix(Prefix, "/")) && !pure(imported) {
			faults = append(faults, fmt.Sprintf("%s is pure and imports %s",
				strings.TrimPrefix(p.ImportPath, Prefix), strings.TrimPrefix(imported, Prefix)))
		}
	}
	return faults
}

// pure tells whether a package is on the pure side of the wall.
func pure(importPath string) bool {
	for _, p := range []string{"libs/decider/decidertest", "events/eventstest"} {
		if within(importPath, Prefix+p) {
			return false
		}
	}
	for _, p := range []string{"events", "libs/decider", "libs/money", "libs/problem", "libs/vn"} {
		if within(importPath, Prefix+p) {
			return true
		}
	}
	rest, isService := strings.CutPrefix(importPath, Prefix+"services/")
	service, _, _ := strings.Cut(rest, "/")
	_, inside, internal := strings.Cut(rest, "/internal/")
	room, _, _ := strings.Cut(inside, "/")
	return isService && internal && !slices.Contains(wiring(), service) && !slices.Contains(rooms(), room)
}

// within tells whether a package is p or stands below it.
func within(importPath, p string) bool {
	return importPath == p || strings.HasPrefix(importPath, p+"/")
}
