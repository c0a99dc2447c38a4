//go:build unix && !linux

package postgres

import "syscall"

// attributes are what a child process of this identity is started with.
func (id identity) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if id.change {
		attr.Credential = &syscall.Credential{Uid: id.uid, Gid: id.gid}
	}
	return attr
}

// dieWithParent does nothing: only Linux tells a child of its parent's death.
// After a kill -9 the server lives on; the next start finds it and says so.
func dieWithParent(*syscall.SysProcAttr) {}

// namespacesWork says that there are no user namespaces outside Linux.
func namespacesWork(string) bool { return false }
