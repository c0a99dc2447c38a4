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
