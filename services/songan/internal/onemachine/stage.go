package onemachine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
	"time"

	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
)

// place is a facility of the demo.
type place struct {
	actor, name, kind, address string
}

func places() []place {
	return []place{
		{"hotel", "Khách sạn Hồ Trúc Bạch", "tourist", "18 phố Trấn Vũ, phường Ba Đình, Hà Nội"},
		{"hospital", "Bệnh viện Đa khoa Ba Đình", "medical", "34 phố Hòe Nhai, phường Ba Đình, Hà Nội"},
	}
}

const (
	stageRetry  = 200 * time.Millisecond
	callTimeout = 10 * time.Second
)

// stage registers the demo's facilities through the API, as the police would, and writes demo.json. The same keys
// are used at every start, so that the same facilities answer.
func (m *machine) stage(ctx context.Context) error {
	for ctx.Err() == nil {
		err := m.set(ctx)
		if err == nil {
			m.ready.Store(true)
			m.announce()
			<-ctx.Done()
			return nil
		}
		m.deps.Log.Debug("the stage is not set yet", zap.Error(err))
		select {
		case <-ctx.Done():
		case <-time.After(stageRetry):
		}
	}
	return nil
}

func (m *machine) set(ctx context.Context) error {
	address, listening := m.address.Load().(string)
	if !listening {
		return fmt.Errorf("the services do not listen yet")
	}
	demo := Demo{
		BaseURL: "http://" + address, Kafka: m.store.config.Brokers[0], Postgres: m.store.config.DatabaseURL,
		Population: m.populationControl, Actors: map[string]Actor{}, Banks: m.banks, Logins: m.cast.logins,
	}
	if m.cast.realPeople {
		return writePrivate(m.demoFile(), demo)
	}
	for name, actor := range m.cast.actors {
		if actor.Role != string(access.Service) {
			demo.Actors[name] = actor
		}
	}
	for _, p := range places() {
		actor, err := m.open(ctx, demo.BaseURL, p)
		if err != nil {
			return fmt.Errorf("open %s: %w", p.actor, err)
		}
		demo.Actors[p.actor] = actor
	}
	return writePrivate(m.demoFile(), demo)
}

// open registers a facility and gets a key for its software.
func (m *machine) open(ctx context.Context, base string, p place) (Actor, error) {
	var registered struct {
		ID string `json:"id"`
	}
	facilities := base + "/accommodation/v1/facilities"
	err := m.post(ctx, facilities, "demo-"+p.actor, map[string]any{
		"name": p.name, "kind": p.kind, "unit": Commune, "address": p.address, "organisation": true,
	}, &registered)
	if err != nil {
		return Actor{}, fmt.Errorf("register: %w", err)
	}
	var issued struct {
		Token string `json:"token"`
	}
	// Keys end after a year, so there is one for each.
	key := fmt.Sprintf("demo-key-%s-%d", p.actor, m.deps.Now().Year())
	err = m.post(ctx, facilities+"/"+registered.ID+"/keys", key, struct{}{}, &issued)
	if err != nil {
		return Actor{}, fmt.Errorf("issue a key: %w", err)
	}
	return Actor{
		Name: p.name, Role: string(access.Facility), Facility: registered.ID, Unit: Commune, Token: issued.Token,
	}, nil
}

// post sends a change as the police of the demo's commune.
func (m *machine) post(ctx context.Context, url, key string, body, answer any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("build request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	request.Header.Set("Authorization", "Bearer "+m.cast.actors["police"].Token)
	response, err := m.client.Do(request)
	if err != nil {
		return fmt.Errorf("post: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // it was read
	data, err = io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if response.StatusCode != http.StatusCreated {
		return fmt.Errorf("answered %d: %s", response.StatusCode, data)
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	return nil
}

// announce tells the person who started the system what to do with it. Tokens are left out: they would stand in
// the terminal's history and in logs.
func (m *machine) announce() {
	address, _ := m.address.Load().(string)
	base := "http://" + address
	_, _ = fmt.Fprintf(m.out, "\nSong An is ready after %.1f s.\n\n", time.Since(m.began).Seconds())
	table := tabwriter.NewWriter(m.out, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{"API", base + "/accommodation/v1"},
		{"documentation", base + "/accommodation/docs"},
		{"health", base + "/readyz"},
		{"metrics", metricsAt(m.deps.Config.Metrics, base)},
		{"Kafka", m.store.config.Brokers[0]},
		{"population database (simulated)", m.population + "  faults: " + m.populationControl + "/control/faults"},
		{"banks (simulated)", fmt.Sprintf("%d, with ledgers and faults of their own: see %s", len(m.banks), m.demoFile())},
		{"sign in", base + "/auth/v1/login"},
	} {
		_, _ = fmt.Fprintf(table, "  %s\t%s\n", line[0], line[1])
	}
	if !m.cast.realPeople {
		m.announceActors(table)
	}
	_, _ = fmt.Fprintln(table, "  stop\tCtrl-C\tnothing is lost; the next start goes on")
	_ = table.Flush() // a closed terminal is no reason to stop
	_, _ = fmt.Fprintln(m.out)
}

// announceActors says who may be played.
func (m *machine) announceActors(table io.Writer) {
	_, _ = fmt.Fprintf(table, "  actors, their logins and tokens\t%s\n", m.demoFile())
	_, _ = fmt.Fprintln(table, "\n  actor\trole\twho")
	for _, name := range append([]string{"hotel", "hospital"}, staff()...) {
		actor, known := m.cast.actors[name]
		for _, p := range places() {
			if p.actor == name {
				actor, known = Actor{Name: p.name, Role: string(access.Facility)}, true
			}
		}
		if known {
			_, _ = fmt.Fprintf(table, "  %s\t%s\t%s\n", name, actor.Role, actor.Name)
		}
	}
	_, _ = fmt.Fprintln(table, "\n  next\tmake demo\tan evening and a payday in a province, against this system")
}

// metricsAt says where the figures are.
func metricsAt(own, base string) string {
	if own != "" {
		return "http://" + own + "/metrics"
	}
	return base + "/metrics  (with the admin's token)"
}

func staff() []string {
	return []string{"police", "lisa", "accountant", "chairman", "treasurer", "cashier", "province", "auditor", "admin"}
}
