//go:build unix && !linux

package testkit

import "syscall"

// childAttributes: only Linux tells a child of its parent's death.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// lockThread isn't needed where there is no death signal.
func lockThread() {}
