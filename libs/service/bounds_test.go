package service

import (
	"net"
	"net/http"
	"testing"
	"time"
)

// Whoever sends slowly, takes an answer slowly, or keeps a connection for nothing, is not waited for.
func TestTimesAndHeadersOfAServerHaveBounds(t *testing.T) {
	t.Parallel()
	got := (&server{}).bare(http.NotFoundHandler())
	for what, bound := range map[string]struct{ got, most time.Duration }{
		"to read the header": {got.ReadHeaderTimeout, 10 * time.Second},
		"to read":            {got.ReadTimeout, time.Minute},
		"to write":           {got.WriteTimeout, 90 * time.Second},
		"between requests":   {got.IdleTimeout, 2 * time.Minute},
	} {
		if bound.got <= 0 || bound.got > bound.most {
			t.Errorf("the time %s is %s, want at most %s", what, bound.got, bound.most)
		}
	}
	if most := 32 << 10; got.MaxHeaderBytes <= 0 || got.MaxHeaderBytes > most {
		t.Errorf("a header may have %d bytes", got.MaxHeaderBytes)
	}
	if got.Protocols == nil || got.Protocols.HTTP2() || got.Protocols.UnencryptedHTTP2() {
		t.Error("one connection may be many")
	}
}

// More connections than are allowed wait until one of the others ends. Metrics have a door of their own, and no such bound.
func TestOnlySoManyConnectionsAreTaken(t *testing.T) {
	t.Parallel()
	doors, err := open(t.Context(), Config{HTTP: "127.0.0.1:0", Metrics: "127.0.0.1:0", Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i, wantBound := range []bool{true, false} {
		defer doors[i].Close()
		if _, without := doors[i].Listener.(*net.TCPListener); without == wantBound {
			t.Errorf("behind %s connections have a bound: %t", doors[i].variable, !without)
		}
	}
	for range 2 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", doors[0].Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	first, err := doors[0].Accept()
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan error, 1)
	go func() {
		conn, err := doors[0].Accept()
		if err == nil {
			err = conn.Close()
		}
		second <- err
	}()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-second; err != nil {
		t.Error(err)
	}
}
