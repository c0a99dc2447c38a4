package songan_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/simulators/people"
)

// While the population database is away, slow or talks nonsense, notices are accepted as ever and nothing goes to
// quarantine; when it is back, every guest is checked once.
func TestNoticesDoNotWaitForThePopulationDatabase(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	t.Parallel()
	m := newMachine(t)
	m.start(t)
	register, err := people.New(people.Options{Seed: 6})
	if err != nil {
		t.Fatal(err)
	}
	posted := 0
	for _, fault := range []string{
		`{"refuse":true}`, `{"per_mille":{"unavailable":1000}}`, `{"per_mille":{"html":300,"truncated":300,"values":300}}`,
		`{"per_mille":{"hang":1000}}`,
	} {
		m.fault(t, fault)
		for range 10 {
			body := map[string]any{
				"guest": register.At(uint64(posted)), "arrived_at": time.Now().Format(time.RFC3339), "reason": "tourism",
			}
			began := time.Now()
			status, answer, err := m.call(t.Context(), http.MethodPost, "/accommodation/v1/notices", "hotel", fmt.Sprint("outage-", posted), body)
			if err != nil || status != http.StatusCreated {
				t.Fatalf("during %s: %d %s %v", fault, status, answer, err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Fatalf("during %s a notice waited %s", fault, took)
			}
			posted++
		}
	}
	m.stop(t) // in the middle of the outage, with checks waiting: it has to be clean all the same
	m.start(t)
	waitForChecks(t, m, posted)

	if matched := query[int](t, m, "identity", `select count(*) from events where type = 'identity.matched.v1'`); matched[0] == 0 {
		t.Error("nobody was matched")
	}
	if facts := query[int](t, m, "identity", `select count(*) from events`); facts[0] != posted {
		t.Errorf("%d answers about %d guests", facts[0], posted)
	}
	for _, service := range []string{"accommodation", "identity"} {
		status, answer, err := m.call(t.Context(), http.MethodGet, "/"+service+"/v1/quarantine", "admin", "", nil)
		var page struct{ Items []any }
		if err != nil || status != http.StatusOK || json.Unmarshal(answer, &page) != nil || len(page.Items) != 0 {
			t.Errorf("quarantine of %s: %d %s %v", service, status, answer, err)
		}
	}
	m.audit(t)
	m.stop(t)
}

// fault tells the simulated register how to misbehave.
func (m *machine) fault(t *testing.T, fault string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m.demo.Population+"/control/faults", strings.NewReader(fault))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusBadRequest {
		t.Fatalf("the register refuses to misbehave: %d", response.StatusCode)
	}
}

// A second start on the same data goes on; a foreign directory and a port in use are told in one sentence.
func TestStartsThatCannotWorkSaySoInOneSentence(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	t.Parallel()
	first := newMachine(t)
	first.start(t)
	for _, c := range []struct{ name, variable, value, says string }{
		{"the broker's port in use", "SONGAN_KAFKA", first.demo.Kafka, "SONGAN_KAFKA: port "},
		{"a port in use", "SONGAN_HTTP", strings.TrimPrefix(first.base, "http://"), "is in use"},
		{"a directory in use", "SONGAN_DATA", first.dir + "/data", "stop it first"},
		{"a foreign directory", "SONGAN_DATA", first.dir, "not Song An's"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.variable == "SONGAN_KAFKA" && os.Getenv("KAFKA_BROKERS") != "" {
				t.Skip("there is no broker of our own")
			}
			second := newMachine(t)
			second.env = append(second.env, c.variable+"="+c.value)
			output := second.fails(t)
			sentence := output[bytes.LastIndex(bytes.TrimSpace(output), []byte("\n"))+1:]
			if !bytes.HasPrefix(sentence, []byte("songan: ")) || !bytes.Contains(sentence, []byte(c.says)) {
				t.Fatalf("it says %s", output)
			}
		})
	}
	first.stop(t)
	first.start(t)
	first.stop(t)
}

// fails runs the command and expects that it gives up by itself.
func (m *machine) fails(t *testing.T) []byte {
	t.Helper()
	m.launch(t)
	var err error
	testkit.Eventually(t, func() error {
		select {
		case err = <-m.ended:
			m.process = nil
			return nil
		default:
			return fmt.Errorf("it still runs")
		}
	})
	if err == nil {
		t.Fatal("it ended without an error")
	}
	return m.log.all()
}
