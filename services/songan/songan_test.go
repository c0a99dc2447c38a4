package songan_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/services/songan"
)

func TestKeysAreAddedToAnOperatorsFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys.json")
	for _, args := range [][]string{
		{"key", "--file", file, "--id", "lan", "--role", "commune_police", "--unit", "00004"},
		{"key", "--file", file, "--id", "root", "--role", "admin"},
	} {
		if status := songan.Main(args); status != 0 {
			t.Fatalf("%v ends with %d", args, status)
		}
	}
	ring, err := access.ReadKeys(file)
	if err != nil {
		t.Fatal(err)
	}
	who := map[string]access.Principal{}
	for _, key := range ring {
		who[key.Principal.ID] = key.Principal
	}
	want := map[string]access.Principal{
		"lan":  {ID: "lan", Role: access.CommunePolice, Unit: "00004"},
		"root": {ID: "root", Role: access.Admin},
	}
	if diff := cmp.Diff(want, who); diff != "" {
		t.Fatal(diff)
	}
}

func TestKeysOfTheFileAreRotatedAndRevoked(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys.json")
	only := func() access.Key {
		ring, err := access.ReadKeys(file)
		if err != nil || len(ring) != 1 {
			t.Fatal(ring, err)
		}
		for _, k := range ring {
			return k
		}
		return access.Key{}
	}
	run := func(want int, args ...string) {
		t.Helper()
		if status := songan.Main(append([]string{"key"}, args...)); status != want {
			t.Fatalf("%v ends with %d", args, status)
		}
	}
	run(0, "add", "--file", file, "--id", "icb", "--role", "bank", "--bank", "ICBVVNVX", "--scopes", "bankgateway:read")
	key := only()
	run(0, "rotate", "--file", file, "--key", key.ID, "--overlap", "1h")
	run(1, "rotate", "--file", file, "--key", key.ID, "--overlap", "1h") // it has a successor
	run(1, "rotate", "--file", file, "--key", "nobodys")
	ring, err := access.ReadKeys(file)
	if err != nil || len(ring) != 2 {
		t.Fatal(ring, err)
	}
	for id, k := range ring {
		if k.Principal != (access.Principal{ID: "icb", Role: access.Bank, Bank: "ICBVVNVX", Scopes: "bankgateway:read"}) || k.Replaced != (id == key.ID) {
			t.Errorf("%+v", k)
		}
	}
	run(0, "revoke", "--file", file, "--key", key.ID)
	if ring, err = access.ReadKeys(file); err != nil || !ring[key.ID].Revoked {
		t.Error(ring, err)
	}
	run(0, "list", "--file", file)
	run(1, "add", "--file", file, "--id", "x", "--role", "bank") // without a bank
	run(1, "add", "--file", file, "--id", "x", "--role", "treasurer", "--unit", "01")
}

func TestACommandLineThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"sing"}, {"key"}, {"demo", "--facilities", "many"}} {
		if status := songan.Main(args); status == 0 {
			t.Errorf("%v was accepted", args)
		}
	}
	if status := songan.Main([]string{"key", "--file", "x", "--id", "lan", "--role", "king"}); status != 1 {
		t.Errorf("an unknown role ends with %d", status)
	}
}
