package postgres

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/songan-vn/songan/libs/embedded/internal/folder"
)

// The names in a server's folder.
const (
	passwordName = "password"
	dataName     = "data"
	freshName    = "data.new" // a cluster in the making; a crash leaves it behind
	logName      = "server.log"
)

// layout is where a server's files are and whom they belong to.
type layout struct {
	bin  binaries
	dir  string // the folder as given, absolute: lock, password, log
	data string // PGDATA
	as   identity
	lock *folder.Lock
}

// open takes possession of a folder, and decides under which user the server
// will run. Others may pass through the folder, so that this user gets to data.
func open(bin binaries, dir string) (layout, error) {
	lock, err := folder.Take(dir, "PostgreSQL", 0o711)
	if err != nil {
		return layout{}, err
	}
	l := layout{bin: bin, dir: lock.Dir, data: filepath.Join(lock.Dir, dataName), lock: lock}
	if err := l.settle(namespacesWork); err != nil {
		return layout{}, errors.Join(err, lock.Release())
	}
	return l, nil
}

// settle chooses user and data folder, and refuses a cluster of another version.
func (l *layout) settle(namespaces func(bin string) bool) error {
	elsewhere := l.fallback()
	if _, err := os.Stat(filepath.Join(elsewhere, "PG_VERSION")); err == nil {
		l.data = elsewhere
	}
	version, err := os.ReadFile(filepath.Join(l.data, "PG_VERSION"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read the version of %s: %w", l.data, err)
	}
	if err == nil {
		if got := strings.TrimSpace(string(version)); got != fmt.Sprint(l.bin.major) {
			return fmt.Errorf("the data in %s were made by PostgreSQL %s, but the server found here is %s (%s): install version %s, or choose another folder",
				l.dir, got, l.bin.version, l.bin.dir, got)
		}
		l.as, err = ownerOf(l.data)
		if err == nil && l.data == elsewhere {
			err = l.checkPlanted(namespaces)
		}
		return err
	}
	l.as, err = choose(l.dir, l.bin.dir, namespaces)
	if errors.Is(err, errNowhere) {
		l.data = elsewhere
		l.as, err = choose(os.TempDir(), l.bin.dir, namespaces)
	}
	return err
}

// checkPlanted refuses a cluster in the temporary directory that isn't owned by
// the user we'd have made it for: anybody may make folders there.
func (l *layout) checkPlanted(namespaces func(bin string) bool) error {
	expected, err := choose(os.TempDir(), l.bin.dir, namespaces)
	if err == nil && l.as != expected {
		err = fmt.Errorf("%s belongs to user %d, who isn't one of ours: remove it", l.data, l.as.uid)
	}
	return err
}

// fallback is a data folder which every user can reach, one per l.dir.
func (l *layout) fallback() string {
	sum := sha256.Sum256([]byte(l.dir))
	return filepath.Join(os.TempDir(), "songan-postgres-"+hex.EncodeToString(sum[:8]))
}

// prepare makes the cluster if there is none, and returns its password.
func (l *layout) prepare(ctx context.Context, template string) (string, error) {
	if _, err := os.Stat(filepath.Join(l.data, "PG_VERSION")); err == nil {
		return l.password()
	}
	if template != "" {
		if err := l.copyTemplate(ctx, template); err != nil {
			return "", err
		}
		return l.password()
	}
	if err := l.initialise(ctx); err != nil {
		return "", err
	}
	return l.password()
}

func (l *layout) password() (string, error) {
	text, err := os.ReadFile(filepath.Join(l.dir, passwordName))
	if err != nil {
		return "", fmt.Errorf("read the password of PostgreSQL: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// initdbOptions are what every cluster of ours is made with. Texts sort by their bytes, which is the order of C.UTF-8 as well;
// but the C library is asked about every comparison in that one, and nearly all keys are texts.
func initdbOptions() []string {
	return []string{
		"--username=" + superuser, "--auth=scram-sha-256", "--data-checksums",
		"--encoding=UTF8", "--locale=C.UTF-8", "--lc-collate=C", "--no-instructions",
	}
}

// initialise makes a cluster beside its place and moves it there when it's
// complete: a crash in between leaves no half cluster.
func (l *layout) initialise(ctx context.Context) error {
	password := rand.Text()
	if err := os.WriteFile(filepath.Join(l.dir, passwordName), []byte(password+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep the password of PostgreSQL: %w", err)
	}
	fresh, err := l.freshFolder()
	if err != nil {
		return err
	}
	pwfile := fresh + ".password" // initdb itself reads it, under its own user
	if err := errors.Join(os.WriteFile(pwfile, []byte(password+"\n"), 0o600), l.as.own(pwfile)); err != nil {
		return fmt.Errorf("hand the password to initdb: %w", err)
	}
	defer os.Remove(pwfile) //nolint:errcheck // a later start overwrites it
	var said bytes.Buffer
	args := append(initdbOptions(), "--pgdata="+fresh, "--pwfile="+pwfile)
	cmd := exec.CommandContext(ctx, filepath.Join(l.bin.dir, "initdb"), args...) //nolint:gosec // the server's own tool
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Dir = "/"
	cmd.Env = environment()
	cmd.SysProcAttr = l.as.attributes()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("make a PostgreSQL cluster in %s: %w: %s", l.data, err, lastLine(said.String()))
	}
	if err := os.Rename(fresh, l.data); err != nil {
		return fmt.Errorf("put the PostgreSQL cluster in its place: %w", err)
	}
	return nil
}

// freshFolder is empty, beside the data folder, and belongs to the server's user.
func (l *layout) freshFolder() (string, error) {
	fresh := filepath.Join(filepath.Dir(l.data), freshName+"-"+filepath.Base(l.data))
	if err := os.RemoveAll(fresh); err != nil {
		return "", fmt.Errorf("remove what an interrupted start left: %w", err)
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return "", fmt.Errorf("make the data folder: %w", err)
	}
	if err := l.as.own(fresh); err != nil {
		return "", fmt.Errorf("give the data folder to the server: %w", err)
	}
	return fresh, nil
}

// environment is what the server inherits: nothing of ours but the path, and
// no PG* variable which would change what initdb does.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC"}
}

// lastLine is the last line of a tool's output that isn't empty.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
