package testkit

import (
	"errors"
	"net"
	"syscall"
)

// silence has the kernel drop whatever arrives for a connection before it could
// acknowledge it, and send nothing by itself.
func silence(conn net.Conn) error {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil // a socket of this machine, which knows no such thing
	}
	if err := tcp.SetKeepAlive(false); err != nil {
		return err
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	dropAll := []syscall.SockFilter{{Code: syscall.BPF_RET | syscall.BPF_K}}
	var attached error
	err = raw.Control(func(fd uintptr) {
		attached = syscall.AttachLsf(int(fd), dropAll) //nolint:staticcheck // another module would only spell the same call
	})
	return errors.Join(err, attached)
}
