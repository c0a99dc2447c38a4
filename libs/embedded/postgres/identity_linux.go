package postgres

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// attributes are what a child process of this identity is started with. It
// gets a process group of its own, so that Ctrl-C reaches only the parent,
// which then decides.
func (id identity) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	switch {
	case id.namespace:
		attr.Cloneflags = syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getgid(), Size: 1}}
		attr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody, NoSetGroups: true}
	case id.change:
		attr.Credential = &syscall.Credential{Uid: id.uid, Gid: id.gid}
	}
	return attr
}

// dieWithParent makes the kernel send SIGINT, PostgreSQL's fast shutdown, when
// the thread ends which starts the child.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }

// namespacesWork tries whether the kernel lets us run the server in a user
// namespace; a container's seccomp profile often forbids it.
func namespacesWork(bin string) bool {
	cmd := exec.Command(filepath.Join(bin, "postgres"), "--version") //nolint:gosec,noctx // the server's own binary, 5 ms
	cmd.SysProcAttr = inNamespace().attributes()
	return cmd.Run() == nil
}
