package testkit

import (
	"runtime"
	"syscall"
)

// childAttributes make the kernel kill a child when its parent is gone.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// lockThread keeps the calling goroutine's thread alive as long as it runs.
func lockThread() { runtime.LockOSThread() }
