package service

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// door is an address that is listened on, and the variable that names it.
type door struct {
	net.Listener
	variable string
}

// The variables of doors.
const (
	httpDoor    = "SONGAN_HTTP"
	httpsDoor   = "SONGAN_HTTPS"
	metricsDoor = "SONGAN_METRICS"
)

// open takes all addresses, or none. The first is that of plain HTTP.
func open(ctx context.Context, c Config) (doors []door, err error) {
	defer func() {
		if err == nil {
			return
		}
		for _, d := range doors {
			err = errors.Join(err, d.Close())
		}
	}()
	for _, wanted := range []struct{ variable, address string }{{httpDoor, c.HTTP}, {httpsDoor, c.HTTPS}, {metricsDoor, c.Metrics}} {
		if wanted.address == "" {
			continue
		}
		listener, err := listen(ctx, wanted.variable, wanted.address)
		if err != nil {
			return doors, err
		}
		if wanted.variable != metricsDoor {
			listener = limitListener(listener, c.Connections)
		}
		doors = append(doors, door{listener, wanted.variable})
	}
	return doors, nil
}

// listen takes an address, or says in one sentence why it cannot.
func listen(ctx context.Context, variable, address string) (net.Listener, error) {
	var l net.ListenConfig
	listener, err := l.Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: %s is in use by another process; stop that one, or set %s to another address", variable, address, variable)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: this user may not listen on %s; ports below 1024 are for root", variable, address)
	case err != nil:
		return nil, fmt.Errorf("%s: listen on %s: %w", variable, address, err)
	}
	return listener, nil
}
