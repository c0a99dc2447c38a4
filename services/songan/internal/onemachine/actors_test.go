package onemachine

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/service"
)

func TestWithAProviderOfRealPeopleNoActorOfTheDemoGetsIn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	demo, err := loadCast(dir, "songan")
	if err != nil {
		t.Fatal(err)
	}
	real := demo.withoutActors()
	opens := func(c casting) (roles map[access.Role]int) {
		roles = map[access.Role]int{}
		for name := range demo.actors {
			id, _, _ := access.Parse(demo.actors[name].Token)
			if key, err := c.keys.Lookup(t.Context(), id); err == nil {
				roles[key.Principal.Role]++
			}
		}
		return roles
	}
	if diff := cmp.Diff(map[access.Role]int{access.Service: 4}, opens(real)); diff != "" {
		t.Error(diff)
	}
	if before := opens(demo); len(before) < 8 {
		t.Errorf("the demo's actors get in as %v", before)
	}
	if len(real.users) != 0 || real.token("identity") == "" {
		t.Error("the provider knows people of the demo, or services cannot call one another")
	}

	m := &machine{deps: service.Deps{Config: service.Config{Data: dir}}, cast: real, store: &storage{config: service.Config{Brokers: []string{"b"}}}}
	m.address.Store("127.0.0.1:1")
	if err := m.set(t.Context()); err != nil { // asks nobody for anything
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "demo.json"))
	var written Demo
	if err != nil || json.Unmarshal(text, &written) != nil || len(written.Actors) != 0 || len(written.Logins) != 0 {
		t.Errorf("%s %v", text, err)
	}
}
