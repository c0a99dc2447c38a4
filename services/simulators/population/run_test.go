package population_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/songan-vn/songan/services/simulators/population"
)

// signalled is a writer that tells when something was written.
type signalled struct {
	bytes.Buffer
	written chan struct{}
}

func (s *signalled) Write(p []byte) (int, error) {
	n, err := s.Buffer.Write(p)
	close(s.written)
	return n, err
}

func TestTheProgramAnswersUntilItIsStopped(t *testing.T) {
	t.Parallel()
	settings := map[string]string{
		"SONGAN_POPULATION_ADDR": "127.0.0.1:0", "SONGAN_POPULATION_CONTROL_ADDR": "127.0.0.1:0", "SONGAN_POPULATION_KEY": key,
		"SONGAN_POPULATION_SEED": "7", "SONGAN_POPULATION_SIZE": "1000", "SONGAN_POPULATION_FAULTS": `{"per_mille":{"broken":1000}}`,
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &signalled{written: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- population.Run(ctx, func(name string) string { return settings[name] }, out) }()
	select {
	case <-out.written:
	case err := <-ended:
		t.Fatal(err)
	}
	line := out.String()
	url := line[strings.Index(line, "http://"):strings.Index(line, ", control")]
	status, _, err := post(t, url, key, `{"number":"001090123456","full_name":"An"}`)
	if err != nil || status != http.StatusInternalServerError || !strings.Contains(line, "1000 people") {
		t.Errorf("%q answered %d, %v", line, status, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestWrongSettingsAreNamed(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"SONGAN_POPULATION_KEY": "", "SONGAN_POPULATION_SEED": "one", "SONGAN_POPULATION_SIZE": "-1", "SONGAN_POPULATION_FAULTS": `{"slow":1}`,
	} {
		settings := map[string]string{"SONGAN_POPULATION_KEY": key}
		settings[name] = value
		err := population.Run(t.Context(), func(name string) string { return settings[name] }, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
