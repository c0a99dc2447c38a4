//go:build unix

package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// identity is the user a server runs as.
type identity struct {
	uid, gid  uint32
	change    bool // we're root and become uid
	namespace bool // we're root, and nobody inside a user namespace of the server's own
}

// nobody is the user id inside the namespace; outside it's still root.
const nobody = 65534

// errNowhere says that root can't run a server in this folder in any way.
var errNowhere = errors.New("no unprivileged user reaches the folder, and user namespaces are not allowed")

// choose decides under which user a new cluster below dir will run; the last
// way for root is tried only if namespaces says that the kernel allows it.
func choose(dir, bin string, namespaces func(bin string) bool) (identity, error) {
	if os.Geteuid() != 0 {
		return identity{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		id, err := lookup(name)
		if err == nil && id.reaches(dir) && id.reaches(bin) {
			return id, nil
		}
	}
	if namespaces(bin) {
		return inNamespace(), nil
	}
	return identity{}, fmt.Errorf("run PostgreSQL in %s as root: %w", dir, errNowhere)
}

func inNamespace() identity { return identity{uid: nobody, gid: nobody, namespace: true} }

// ownerOf decides under which user an existing cluster runs: only its owner
// may open it.
func ownerOf(data string) (identity, error) {
	info, err := os.Stat(data)
	if err != nil {
		return identity{}, fmt.Errorf("look at %s: %w", data, err)
	}
	stat := info.Sys().(*syscall.Stat_t) //nolint:forcetypeassert // what Stat gives on every unix
	me := uint32(os.Geteuid())
	switch {
	case me == 0 && stat.Uid == 0:
		return inNamespace(), nil
	case me == 0:
		return identity{uid: stat.Uid, gid: stat.Gid, change: true}, nil
	case me == stat.Uid:
		return identity{uid: me, gid: uint32(os.Getegid())}, nil
	}
	return identity{}, fmt.Errorf("the data in %s belong to user %d, but this process runs as user %d: run it as that user, or choose another folder", data, stat.Uid, me)
}

func lookup(name string) (identity, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return identity{}, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return identity{}, fmt.Errorf("read the id of user %s: %w", name, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return identity{}, fmt.Errorf("read the group of user %s: %w", name, err)
	}
	return identity{uid: uint32(uid), gid: uint32(gid), change: true}, nil
}

// reaches says whether the user may pass through every folder down to dir.
func (id identity) reaches(dir string) bool {
	for at := dir; ; at = filepath.Dir(at) {
		if info, err := os.Stat(at); err != nil || !id.passes(info) {
			return false
		}
		if at == filepath.Dir(at) {
			return true
		}
	}
}

// passes applies the first matching class of the permission bits, as the
// kernel does: an owner without x isn't helped by the x of the others.
func (id identity) passes(info os.FileInfo) bool {
	stat := info.Sys().(*syscall.Stat_t) //nolint:forcetypeassert // what Stat gives on every unix
	mode := info.Mode().Perm()
	switch {
	case stat.Uid == id.uid:
		return mode&0o100 != 0
	case stat.Gid == id.gid:
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}

// own gives a file to the server's user.
func (id identity) own(name string) error {
	if !id.change {
		return nil // ours already; in a namespace root's files are nobody's
	}
	return os.Lchown(name, int(id.uid), int(id.gid))
}
