package songan_test

import (
	"fmt"
	"runtime"
	"syscall"
)

// dieWithParent has the kernel end this process with the test. testkit has asked for that already, but of the thread that
// the process began with, and an exec keeps what the thread that calls it has asked for.
func dieWithParent() error {
	runtime.LockOSThread()
	if _, _, failed := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0); failed != 0 {
		return fmt.Errorf("die with the parent: %w", failed)
	}
	return nil
}
