package songan_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/songan-vn/songan/libs/testkit"
)

// The README's tour is run as it stands there, in one shell, on a system that has just started.
func TestTheTourOfTheREADMEWorks(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, tour, begins := strings.Cut(string(readme), "\n## A tour\n")
	tour, _, ends := strings.Cut(tour, "\n## What it reaches\n")
	if !begins || !ends {
		t.Fatal("the README has no tour")
	}
	var script strings.Builder
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(tour, -1) {
		script.WriteString(block[1] + "\n")
	}
	m := newMachine(t)
	m.start(t)
	m.asInAClone(t)
	shell := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", strings.ReplaceAll(script.String(), "http://127.0.0.1:8080", m.base))
	shell.Dir, shell.Env = m.dir, m.env
	output, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("the tour fails: %v\n%s", err, output)
	}
	for _, expected := range []string{
		`"status":"notified"`, `accommodation.stay_notified.v1 of notice-`, `"full_name":"Tạ Duy Đức"`, `"code":"citizen_id_length"`,
		`{"index":0,"status":201`, `{"index":1,"status":422`, `{"index":2,"status":201`, `"key":"tourist"`, `"identity":"pending"`,
		// the payday
		`"identity":"matched" "full_name":"Vũ Thị Hồng"`, `"status":"active" "holder_match":"match"`, `"legal_basis":[`,
		`"by_account":1 "in_cash":1 "held":0 "total":1300000`, `"status":403 "code":"role_not_allowed"`, `"code":"insufficient_funds"`,
		`"status":"released" "payable":1300000`, `"type":"disbursement.payment_credited.v1" "occurred_at":`, ` "status":"credited"`,
		`"credited":650000,"rejected":0,"returned":0,"recalled":0,"refunded":0,"in_flight":0,"unknown":0,"cash":650000,"carried":0,"difference":0,`,
		`"treasury":-1300000,"budget":1300000,`, `"payments":{"ACCC":1},"amount":{"ACCC":650000}`, `"status":"cash_paid"`, `"share":"0.5000"`,
		"I14  ok ", `{"id":"demo-lisa","role":"lisa_officer"`,
	} {
		if !strings.Contains(string(output), expected) {
			t.Errorf("the tour does not show %s:\n%s", expected, output)
		}
	}
	waitForChecks(t, m, strings.Count(string(output), `"status":201`)+2)
	testkit.Eventually(t, func() error {
		if matched := query[int](t, m, "identity", `select count(*) from events where type = 'identity.matched.v1'`); matched[0] == 0 {
			return fmt.Errorf("nobody was matched")
		}
		return nil
	})
	m.stop(t)
}

// asInAClone puts data and command where they stand after `make run` in a clone.
func (m *machine) asInAClone(t *testing.T) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(m.dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for at, is := range map[string]string{".songan": filepath.Join(m.dir, "data"), "bin/songan": m.binary} {
		if err := os.Symlink(is, filepath.Join(m.dir, at)); err != nil {
			t.Fatal(err)
		}
	}
}
