// Package policytest gives tests the policies that come with the program.
package policytest

import (
	"testing"
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
