package accommodation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/accommodation"
)

// house is the service as a client sees it, on a database and topics of its own.
type house struct {
	url    string
	client *http.Client
	pool   *pgxpool.Pool
	clock  *testkit.Clock
	config service.Config
	hotel  string // id of the facility of the actor "hotel"

	mu     sync.Mutex // parallel subtests register facilities of their own
	tokens map[string]string
}

// token is what an actor calls with.
func (h *house) token(actor string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tokens[actor]
}

func (h *house) hand(actor, token string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tokens[actor] = token
}

// noon is when tests happen: a Saturday at 14:00.
var noon = time.Date(2026, 11, 21, 14, 0, 0, 0, time.FixedZone("+07", 7*3600)) //nolint:gochecknoglobals // a constant

// open starts the service and registers a hotel, as the police would.
func open(t *testing.T) *house {
	t.Helper()
	broker := testkit.Kafka(t)
	config, err := service.LoadFrom[service.Config](map[string]string{})
	if err != nil {
		t.Fatal(err)
	}
	config.Data, config.DatabaseURL = t.TempDir(), testkit.PostgresURL(t)
	config.Brokers, config.KafkaUser, config.KafkaPassword = broker.Addrs, broker.User, broker.Password
	config.Topics, config.LogLevel = strings.ToLower(filepath.Base(t.TempDir()))+fmt.Sprint(time.Now().UnixNano()), "warn"
	h := &house{clock: testkit.NewClock(noon), tokens: map[string]string{}, config: config}
	h.pool, err = pgxpool.New(t.Context(), config.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.pool.Close)
	h.start(t)
	h.hotel = h.facility(t, "hotel", "police")
	return h
}

// start runs the service until the test ends.
func (h *house) start(t *testing.T) {
	t.Helper()
	deps, closeDeps, err := service.NewDeps(t.Context(), "test", h.config)
	if err != nil {
		t.Fatal(err)
	}
	deps.Now, deps.API.Now = h.clock.Now, h.clock.Now
	deps.Keys = append(deps.Keys, h.staff())
	s, err := accommodation.New(t.Context(), deps.For(accommodation.Name))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	for _, r := range s.Runners {
		running.Go(func() {
			if err := r.Run(ctx); err != nil {
				t.Errorf("runner %s: %v", r.Name, err)
			}
		})
	}
	server := httptest.NewServer(s.Handler)
	h.url, h.client = server.URL, server.Client()
	t.Cleanup(func() {
		server.Close()
		stop()
		running.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		_ = closeDeps(context.Background())
	})
	testkit.Eventually(t, 20*time.Second, func() error { return s.Ready(t.Context()) })
}

// staff are the people and programs with keys of their own.
func (h *house) staff() access.StaticKeyring {
	ring := access.StaticKeyring{}
	for name, p := range map[string]access.Principal{
		"police":   {ID: "lan", Role: access.CommunePolice, Unit: "00004"},
		"stranger": {ID: "minh", Role: access.CommunePolice, Unit: "00008"},
		"admin":    {ID: "root", Role: access.Admin},
		"auditor":  {ID: "auditor", Role: access.Auditor},
		"province": {ID: "province", Role: access.Steering},
		"identity": {ID: "identity", Role: access.Service},
	} {
		token, key := access.Generate(p)
		h.hand(name, token)
		ring[key.ID] = key
	}
	return ring
}

// facility registers a place and gives the actor its key.
func (h *house) facility(t *testing.T, actor, officer string) string {
	t.Helper()
	made := h.post(t, officer, "/facilities", "facility-"+actor, object{
		"name": "Khách sạn " + actor, "kind": "tourist", "unit": "00004", "address": "18 Trấn Vũ",
	})
	made.want(t, http.StatusCreated)
	id := made.text(t, "id")
	issued := h.post(t, officer, "/facilities/"+id+"/keys", "key-"+actor, object{})
	issued.want(t, http.StatusCreated)
	h.hand(actor, issued.text(t, "token"))
	return id
}

type object = map[string]any

// guestOf is a citizen whose number agrees with the rest.
func guestOf(name string) object {
	return object{
		"full_name": name, "birth_date": "1990-01-15", "sex": "male", "nationality": "VNM",
		"document": object{"type": "citizen_id", "number": "001090123456"},
	}
}

func stayOf(guest object) object {
	return object{
		"guest": guest, "arrived_at": noon.Add(-time.Hour).Format(time.RFC3339), "expected_departure": "2026-11-23",
		"room": "101", "reason": "tourism",
	}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (h *house) post(t *testing.T, actor, path, key string, body any) answer {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return h.send(t, http.MethodPost, actor, path, http.Header{"Idempotency-Key": {key}, "Content-Type": {"application/json"}}, data)
}

func (h *house) get(t *testing.T, actor, path, after string) answer {
	t.Helper()
	return h.send(t, http.MethodGet, actor, path, http.Header{"Songan-After": {after}}, nil)
}

func (h *house) send(t *testing.T, method, actor, path string, header http.Header, body []byte) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, h.url+"/accommodation/v1"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		if values[0] != "" {
			request.Header.Set(name, values[0])
		}
	}
	if actor != "" {
		request.Header.Set("Authorization", "Bearer "+h.token(actor))
	}
	response, err := h.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, data}
}

func (a answer) want(t *testing.T, status int) {
	t.Helper()
	if a.status != status {
		t.Fatalf("answered %d, want %d: %s", a.status, status, a.body)
	}
}

func (a answer) into(t *testing.T, target any) {
	t.Helper()
	if err := json.Unmarshal(a.body, target); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
}

func (a answer) text(t *testing.T, field string) string {
	t.Helper()
	var all object
	a.into(t, &all)
	text, _ := all[field].(string)
	return text
}

func (a answer) position() string { return a.header.Get("Songan-Position") }

// faults are "pointer code" of a problem document.
func (a answer) faults(t *testing.T) []string {
	t.Helper()
	var p struct {
		Errors []struct{ Pointer, Code, Message, MessageVI string }
	}
	a.into(t, &p)
	var lines []string
	for _, e := range p.Errors {
		lines = append(lines, e.Pointer+" "+e.Code)
	}
	return lines
}
