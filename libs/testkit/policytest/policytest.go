// Package policytest gives tests the policies that come with the program.
package policytest

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/vn/units"
)

// Load returns the policies, by a test's clock.
func Load(t testing.TB, now func() time.Time) *policy.Policy {
	t.Helper()
	directory, err := units.Load()
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Load(policy.Options{Units: directory, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Plus returns the policies together with more of them, for tests of what a route tells the policies.
func Plus(t testing.TB, now func() time.Time, more string) *policy.Policy {
	t.Helper()
	directory, err := units.Load()
	if err != nil {
		t.Fatal(err)
	}
	all := fstest.MapFS{"policies/more.cedar": &fstest.MapFile{Data: []byte(more)}}
	err = fs.WalkDir(policy.Files(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(policy.Files(), path)
		all[path] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Read(all, policy.Options{Units: directory, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Forbid is a policy by which nobody reads people for these purposes.
func Forbid(purposes ...string) string {
	return fmt.Sprintf(`@id("not-for-this")
@why("A test asks whether the policies hear of the purpose.")
forbid (principal, action, resource) when { ["%s"].contains(context.purpose) };`, strings.Join(purposes, `", "`))
}
