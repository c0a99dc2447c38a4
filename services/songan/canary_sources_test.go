package songan_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/services/songan/internal/onemachine"
)

// heap is text from one kind of place, collected while the system runs.
type heap struct {
	mu    sync.Mutex
	texts []string
}

func (h *heap) add(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.texts = append(h.texts, text)
}

func (h *heap) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.texts)
}

// wiretap stands between clients and the system. It keeps every refusal, alone or in a batch, and the head of every answer.
func wiretap(t *testing.T, base string, heard *heap) *httptest.Server {
	t.Helper()
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
		},
		ModifyResponse: func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			_ = r.Body.Close()
			r.Body = io.NopCloser(bytes.NewReader(body))
			var head bytes.Buffer
			if err := r.Header.Write(&head); err != nil {
				return err
			}
			heard.add(head.String())
			if r.StatusCode >= http.StatusBadRequest {
				heard.add(string(body))
			}
			for _, problem := range problemsIn(body) {
				heard.add(string(problem))
			}
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server
}

// problemsIn are the refusals in the answer to a batch.
func problemsIn(body []byte) (all []json.RawMessage) {
	type verdict struct {
		Problem json.RawMessage `json:"problem"`
	}
	var whole struct {
		Items []verdict `json:"items"`
	}
	if json.Unmarshal(body, &whole) != nil {
		for line := range bytes.Lines(body) {
			var v verdict
			if json.Unmarshal(line, &v) == nil {
				whole.Items = append(whole.Items, v)
			}
		}
	}
	for _, v := range whole.Items {
		if len(v.Problem) > 0 {
			all = append(all, v.Problem)
		}
	}
	return all
}

// collector is where traces are sent to. It keeps them as they come: OTLP leaves texts readable.
func collector(t *testing.T, heard *heap) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var content io.Reader = r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			unzipped, err := gzip.NewReader(r.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			content = unzipped
		}
		body, err := io.ReadAll(content)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		heard.add(string(body))
	}))
	t.Cleanup(server.Close)
	return server
}

// eachRow calls look for every row of every table of every database, whole, as text.
func (m *machine) eachRow(t *testing.T, look func(place, row string)) (rows int) {
	t.Helper()
	const databases = `select datname from pg_database where not datistemplate`
	for _, database := range query[string](t, m, "postgres", databases) {
		const tables = `select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`
		for _, table := range query[string](t, m, database, tables) {
			for _, row := range query[string](t, m, database, "select t::text from "+table+" t") {
				rows++
				look("table "+database+"."+table, row)
			}
		}
	}
	return rows
}

// broker is how the services reach Kafka.
func (m *machine) broker(t *testing.T) kafkabus.Config {
	t.Helper()
	settings, err := onemachine.Kafka(filepath.Join(m.dir, "data"), m.whole(t))
	if err != nil {
		t.Fatal(err)
	}
	bus, err := kafkabus.Connect(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	return bus
}

// eachRecord calls look for every record of every topic of this system but those of the banks.
func (m *machine) eachRecord(t *testing.T, look func(place, record string)) (records int) {
	t.Helper()
	bus := m.broker(t)
	conn, err := bus.Dialer.DialContext(t.Context(), "tcp", bus.Brokers[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	partitions, err := conn.ReadPartitions()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range partitions {
		if !strings.HasPrefix(p.Topic, m.topics()+".") || strings.HasPrefix(p.Topic, m.topics()+".bank.") {
			continue
		}
		for _, r := range readPartition(t, bus, p) {
			records++
			text := fmt.Sprintf("%s %s", r.Key, r.Value)
			for _, h := range r.Headers {
				text += fmt.Sprintf(" %s=%s", h.Key, h.Value)
			}
			look("topic "+strings.Replace(p.Topic, m.topics(), "songan", 1), text)
		}
	}
	return records
}

func readPartition(t *testing.T, bus kafkabus.Config, p kafka.Partition) (all []kafka.Message) {
	t.Helper()
	leader := fmt.Sprintf("%s:%d", p.Leader.Host, p.Leader.Port)
	conn, err := bus.Dialer.DialPartition(t.Context(), "tcp", leader, p)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	first, end, err := conn.ReadOffsets()
	if err != nil {
		t.Fatal(err)
	}
	for next := first; next < end; {
		const size = 10 << 20
		if _, err := conn.Seek(next, kafka.SeekAbsolute); err != nil {
			t.Fatal(err)
		}
		batch := conn.ReadBatch(1, size)
		for {
			r, err := batch.ReadMessage()
			if err != nil {
				break
			}
			next, all = r.Offset+1, append(all, r)
		}
		if err := batch.Close(); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
	return all
}

// eachFile calls look for every file in the data directory that the services write themselves, and for what PostgreSQL logs.
// What the servers store is read through them.
func (m *machine) eachFile(t *testing.T, look func(place, content string)) (files int) {
	t.Helper()
	root := filepath.Join(m.dir, "data")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		if d.IsDir() {
			if slices.Contains([]string{"postgres/data", "kafka", "banks"}, name) { // a bank knows its customers
				return fs.SkipDir
			}
			return nil
		}
		content, err := os.ReadFile(path)
		files++
		look("file "+name, string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// asBank publishes on a bank's topic of reports, as that bank.
func (m *machine) asBank(t *testing.T, bic string, records ...kafka.Message) {
	t.Helper()
	demo := m.whole(t)
	actor := demo.Actors["bank_"+bic]
	bus, err := kafkabus.Connect(kafkabus.Settings{
		Brokers: []string{demo.Kafka}, User: actor.KafkaUser, Password: actor.KafkaPassword, ClientID: "canary",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	m.produce(t, bus, m.topics()+".bank."+bic+".reports.v1", records...)
}

func (m *machine) produce(t *testing.T, bus kafkabus.Config, topic string, records ...kafka.Message) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	w := &kafka.Writer{Addr: kafka.TCP(bus.Brokers...), Topic: topic, Transport: bus.Transport, BatchTimeout: time.Millisecond, RequiredAcks: kafka.RequireAll}
	defer func() { _ = w.Close() }()
	if err := w.WriteMessages(ctx, records...); err != nil {
		t.Fatalf("publish on %s: %v", topic, err)
	}
}

// accountNumbers are those that the simulated banks gave out.
func (m *machine) accountNumbers(t *testing.T) (all []string) {
	t.Helper()
	for bic := range m.system(t).Banks {
		for row := range bytes.Lines(m.bank(t, bic, http.MethodGet, "/accounts.jsonl", nil)) {
			var a struct {
				Number string `json:"number"`
			}
			if err := json.Unmarshal(row, &a); err != nil {
				t.Fatal(err)
			}
			if a.Number != "" {
				all = append(all, a.Number)
			}
		}
	}
	return all
}

// planting writes directly into the database.
func (m *machine) planting(t *testing.T, database, sql string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), strings.Replace(m.demo.Postgres, "/postgres?", "/"+database+"?", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// whole is all of demo.json.
func (m *machine) whole(t *testing.T) (all onemachine.Demo) {
	t.Helper()
	data, err := os.ReadFile(m.demoFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// topics is what the names of this system's topics begin with.
func (m *machine) topics() string {
	for _, variable := range slices.Backward(m.env) {
		if prefix, found := strings.CutPrefix(variable, "SONGAN_TOPICS="); found {
			return prefix
		}
	}
	return "songan"
}
