package songan_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The worst case: somebody has copied a vault's key file. After the two steps it opens nothing of the database any more, and the
// services have gone on all the while.
func TestAStolenKeyFileOpensNoDatabaseFromAfterTheRotation(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	t.Parallel()
	m := newMachine(t)
	m.start(t)
	m.lodges(t, "before", "001090123458")
	waitForChecks(t, m, 1)
	stay := "/accommodation/v1/notices/" + m.first(t, "/accommodation/v1/notices", "hotel")["id"].(string)
	file := filepath.Join(m.dir, "data", "vault-accommodation.key")
	stolen, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	m.rotates(t, "rotated")
	m.tellsTheGuestOf(t, stay)
	m.rotates(t, "retired", "--retire")
	m.tellsTheGuestOf(t, stay)
	m.stop(t) // what runs has the months' keys in memory; what starts has to open them
	m.start(t)
	m.tellsTheGuestOf(t, stay)

	if err := os.WriteFile(file, stolen, 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), m.binary, "retention", "--services", "accommodation")
	var said bytes.Buffer
	c.Env, c.Stderr = m.env, &said
	if err := c.Run(); err == nil || !strings.Contains(said.String(), "the key file does not fit this vault") {
		t.Errorf("the stolen file: %v %s", err, said.String())
	}
}

// rotates expects that the same was done to each vault.
func (m *machine) rotates(t *testing.T, want string, args ...string) {
	t.Helper()
	var got []map[string]string
	m.office(t, "", &got, append([]string{"rotate-vault"}, args...)...)
	all := []map[string]string{}
	for _, service := range []string{"accommodation", "accounts", "bankgateway", "disbursement"} {
		all = append(all, map[string]string{"service": service, "done": want})
	}
	if diff := cmp.Diff(all, got); diff != "" {
		t.Error(diff)
	}
}

func (m *machine) tellsTheGuestOf(t *testing.T, stay string) {
	t.Helper()
	status, answer, err := m.call(t.Context(), http.MethodGet, stay, "hotel", "", nil)
	if err != nil || status != http.StatusOK || !strings.Contains(string(answer), "Nguyễn Văn An") {
		t.Fatalf("%d %s %v", status, answer, err)
	}
}
