package postgres

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/embedded/missing"
)

// installed returns the bin folder of the package that `make tools/postgres/node_modules` has put there, as .ci/run does,
// and PostgreSQL's version in it ("18.4").
func installed(t *testing.T) (bin, version string) {
	t.Helper()
	tools := filepath.Join("..", "..", "..", "tools", "postgres")
	if _, err := os.Stat(filepath.Join(tools, "node_modules")); errors.Is(err, os.ErrNotExist) {
		missing.Skip(t, "not installed: make tools/postgres/node_modules")
	}
	bin, err := FromNPM(tools)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(tools, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct{ Version string }
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		t.Fatal(err)
	}
	locked := lock.Packages["node_modules/"+npmPackage(runtime.GOOS, runtime.GOARCH)].Version // 18.4.0-beta.17
	parts := strings.Split(locked, ".")
	if len(parts) < 2 {
		t.Fatalf("the lock names version %q", locked)
	}
	return bin, parts[0] + "." + parts[1]
}

func TestTheServerOfNPMServes(t *testing.T) {
	t.Parallel()
	bin, version := installed(t)
	for name, dir := range map[string]string{ // as root, it runs as another user in one, and in a namespace in the other
		"in a folder of ours": t.TempDir(), "in a folder that is open": publicFolder(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := Start(t.Context(), Options{Dir: filepath.Join(dir, "postgres"), Binaries: bin})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(server.Kill)
			if err := server.CreateDatabase(t.Context(), "inn"); err != nil {
				t.Fatal(err)
			}
			conn, err := pgx.Connect(t.Context(), server.URL("inn"))
			if err != nil {
				t.Fatal(err)
			}
			running := ""
			err = errors.Join(conn.QueryRow(t.Context(), `show server_version`).Scan(&running), conn.Close(t.Context()))
			if err != nil || running != version {
				t.Errorf("PostgreSQL %s serves instead of %s: %v", running, version, err)
			}
			if err := server.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
