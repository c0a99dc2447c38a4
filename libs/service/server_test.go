package service_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/libs/testkit"
)

// shared is a log that the server writes and the test reads.
type shared struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write adds a line.
func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// String returns all lines.
func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestTheServersOwnWordsAreLoggedWithoutAddresses(t *testing.T) {
	t.Parallel()
	log := &shared{}
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(log), zapcore.InfoLevel)
	listening := make(chan net.Addr, 1)
	done := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		done <- service.Run(t.Context(), service.Host{
			Config: service.Config{HTTP: "127.0.0.1:0", StopPatience: time.Second}, Log: zap.New(core), Metrics: telemetry.Metrics(),
			Listening: func(a net.Addr) { listening <- a },
		}, service.Service{Name: "a", Handler: panics{}, Runners: []service.Runner{until(stop)}})
	}()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", (<-listening).String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "GET /a/x HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() error {
		if !strings.Contains(log.String(), "panic serving (address)") {
			return errors.New(log.String())
		}
		return nil
	})
	if strings.Contains(log.String(), c.LocalAddr().String()) {
		t.Error(log)
	}
	_ = c.Close()
	close(stop)
	if err := <-done; !errors.Is(err, errEnough) {
		t.Error(err)
	}
}

var errEnough = errors.New("enough")

// until is a runner that ends when the test wants it to.
func until(stop <-chan struct{}) service.Runner {
	return service.Runner{Name: "until", Run: func(context.Context) error { <-stop; return errEnough }}
}

// panics is a handler that is not one of ours.
type panics struct{}

// ServeHTTP panics.
func (panics) ServeHTTP(http.ResponseWriter, *http.Request) { panic("oops") }
