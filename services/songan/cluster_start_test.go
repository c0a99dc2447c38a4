package songan_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
)

const (
	broker     = "broker"
	postgresql = "postgresql"
	population = "population"
)

// cluster is the system as an operator would install it: every service a process of its own with its own database, behind
// a reverse proxy.
type cluster struct {
	// machine is how the tests of one process see it: base address, demo.json and databases.
	*machine
	binaries string
	seed     uint64
	random   *mathrand.Rand

	topics   string
	kafka    kafkabus.Settings
	ours     bool // whether the broker is ours to kill
	server   *testkit.OwnPostgres
	serverUp int // how often PostgreSQL was started
	programs map[string]*program
	tokens   map[string]string
	banks    map[string]string // password of the bank's user at Kafka, by BIC
	control  map[string]string // control address, by BIC
	address  map[string]string // of services
	presses  presses
}

// bics are the banks of the cluster.
func bics() []string { return []string{"VBAAVNVX", "ICBVVNVX", "BFTVVNVX", "BIDVVNVX"} }

// bankUser is how a bank logs in to Kafka.
func (c *cluster) bankUser(bic string) string { return c.topics + ".bank." + bic }

// actorsOfCluster are the people and services with their keys.
func actorsOfCluster() map[string]access.Principal {
	treasurer := access.Principal{Role: access.Treasurer, Unit: "01", SecondFactor: true}
	all := map[string]access.Principal{
		"treasurer": treasurer, "second_treasurer": treasurer, "cashier": treasurer,
		"auditor": {Role: access.Auditor}, "admin": {Role: access.Admin}, "police": {Role: access.CommunePolice, Unit: "00004"},
	}
	for unit, mark := range map[string]string{"00004": "", "00008": "_00008", "00025": "_00025"} {
		all["lisa"+mark] = access.Principal{Role: access.LISAOfficer, Unit: unit}
		all["accountant"+mark] = access.Principal{Role: access.Accountant, Unit: unit}
		all["chairman"+mark] = access.Principal{Role: access.Approver, Unit: unit, SecondFactor: true}
	}
	for _, s := range services() {
		all[s] = access.Principal{Role: access.Service}
	}
	return all
}

// newCluster starts everything and waits until it works.
func newCluster(t *testing.T, seed uint64) *cluster {
	t.Helper()
	c := &cluster{
		machine: &machine{dir: t.TempDir()}, binaries: programs(t), seed: seed, topics: "songan",
		random:   mathrand.New(mathrand.NewPCG(seed, seed)),
		programs: map[string]*program{}, tokens: map[string]string{}, banks: map[string]string{}, control: map[string]string{},
		address: map[string]string{}, presses: presses{answers: map[string][]int{}},
	}
	t.Cleanup(func() { c.showTails(t) })
	c.server = testkit.DurablePostgres(t, map[string]string{"max_connections": "300", "shared_buffers": "128MB"})
	c.serverUp = 1
	c.planKafka(t)
	c.giveKeys(t)
	c.planPopulation(t)
	for _, bic := range bics() {
		c.planBank(t, bic)
	}
	for _, s := range services() {
		c.address[s] = testkit.FreeAddress(t)
	}
	for _, s := range services() {
		c.planService(t, s)
	}
	c.front(t)
	c.writeDemo(t)
	if c.ours {
		c.begin(t, broker)
	}
	c.begin(t, append(append([]string{population}, bics()...), services()...)...)
	return c
}

// begin starts programs, all at the same time, and waits for them.
func (c *cluster) begin(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		c.programs[name].start(t)
	}
	c.await(t, names...)
}

// planKafka takes the cluster of KAFKA_BROKERS or SONGAN_TEST_KAFKA, or plans a broker of our own.
func (c *cluster) planKafka(t *testing.T) {
	t.Helper()
	for _, names := range [][3]string{
		{"KAFKA_BROKERS", "SONGAN_KAFKA_USER", "SONGAN_KAFKA_PASSWORD"},
		{"SONGAN_TEST_KAFKA", "SONGAN_TEST_KAFKA_USER", "SONGAN_TEST_KAFKA_PASSWORD"},
	} {
		if given := os.Getenv(names[0]); given != "" {
			c.kafka = kafkabus.Settings{Brokers: strings.Split(given, ","), User: os.Getenv(names[1]), Password: os.Getenv(names[2])}
			c.topics = fmt.Sprintf("cluster%d", time.Now().UnixNano())
			return
		}
	}
	c.ours = true
	at := testkit.FreeAddress(t)
	c.kafka = kafkabus.Settings{Brokers: []string{at}, User: "songan", Password: rand.Text()}
	c.programs[broker] = &program{
		name: broker,
		launch: func(t *testing.T) *testkit.Process {
			t.Helper()
			return testkit.Child(t, roleBroker, filepath.Join(c.dir, "kafka"), at, c.kafka.User, c.kafka.Password)
		},
		up: func(ctx context.Context) error {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", at)
			if err != nil {
				return err
			}
			return conn.Close()
		},
	}
}

// giveKeys writes the operators' key file, which all services read.
func (c *cluster) giveKeys(t *testing.T) {
	t.Helper()
	var keys []access.Key
	for name, principal := range actorsOfCluster() {
		principal.ID = name
		token, key := access.Generate(principal)
		c.tokens[name], keys = token, append(keys, key)
	}
	if err := access.WriteKeys(filepath.Join(c.dir, "keys.json"), keys); err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) planPopulation(t *testing.T) {
	t.Helper()
	at, control := testkit.FreeAddress(t), testkit.FreeAddress(t)
	c.address[population] = at
	p := c.built(t, population, "population", map[string]string{
		"SONGAN_POPULATION_ADDR": at, "SONGAN_POPULATION_CONTROL_ADDR": control, "SONGAN_POPULATION_KEY": "population", "SONGAN_POPULATION_SEED": "6",
	})
	p.up = answers("http://" + control + "/control/faults")
	c.programs[population] = p
}

// planBank plans a bank that is unreliable from its start, again after it was killed.
func (c *cluster) planBank(t *testing.T, bic string) {
	t.Helper()
	at, dir := testkit.FreeAddress(t), filepath.Join(c.dir, "banks", bic)
	c.control[bic], c.banks[bic] = "http://"+at, rand.Text()
	scenario, err := json.Marshal(unreliable())
	if err != nil {
		t.Fatal(err)
	}
	p := c.built(t, bic, "bank", map[string]string{
		"SONGAN_BANK_BIC": bic, "SONGAN_BANK_BROKERS": strings.Join(c.kafka.Brokers, ","), "SONGAN_BANK_USER": c.bankUser(bic),
		"SONGAN_BANK_PASSWORD": c.banks[bic], "SONGAN_BANK_DIR": dir, "SONGAN_BANK_CONTROL_ADDR": at,
		"SONGAN_BANK_SEED": strconv.FormatUint(c.seed, 10), "SONGAN_BANK_SCENARIO": string(scenario),
	})
	if !c.ours {
		o := bankOptions{
			BIC: bic, Topics: c.topics, Brokers: c.kafka.Brokers, User: c.bankUser(bic), Password: c.banks[bic], Dir: dir,
			ControlAddr: at, Seed: c.seed,
		}
		if err := json.Unmarshal(scenario, &o.Scenario); err != nil {
			t.Fatal(err)
		}
		options, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		p = &program{name: bic, launch: func(t *testing.T) *testkit.Process {
			t.Helper()
			return testkit.Child(t, roleBank, string(options))
		}}
	}
	p.up = answers("http://" + at + "/control/state")
	c.programs[bic] = p
}

// planService plans a service with a database of its own, which only the environment tells where the others are.
func (c *cluster) planService(t *testing.T, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), ready)
	defer cancel()
	if err := c.server.CreateDatabase(ctx, name); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(c.dir, "data", name)
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	var passwords []string
	for _, bic := range bics() {
		passwords = append(passwords, bic+":"+c.banks[bic])
	}
	environment := map[string]string{
		"SONGAN_HTTP": c.address[name], "SONGAN_DATA": data, "DATABASE_URL": c.server.URL(name),
		"KAFKA_BROKERS": strings.Join(c.kafka.Brokers, ","), "SONGAN_KAFKA_USER": c.kafka.User, "SONGAN_KAFKA_PASSWORD": c.kafka.Password,
		"SONGAN_TOPICS": c.topics, "SONGAN_ACCESS_KEYS": filepath.Join(c.dir, "keys.json"),
		"SONGAN_POPULATION_URL": "http://" + c.address[population], "SONGAN_POPULATION_KEY": "population",
		"SONGAN_PEOPLE_URL": "http://" + c.address["accommodation"], "SONGAN_PEOPLE_TOKEN": c.tokens[name],
		"SONGAN_DISBURSEMENT_URL": "http://" + c.address["disbursement"], "SONGAN_DISBURSEMENT_TOKEN": c.tokens[name],
		"SONGAN_BANKGATEWAY_URL": "http://" + c.address["bankgateway"], "SONGAN_BANKGATEWAY_TOKEN": c.tokens[name],
		"SONGAN_ACCOUNTS_URL": "http://" + c.address["accounts"], "SONGAN_ACCOUNTS_TOKEN": c.tokens[name],
		"SONGAN_BANKS": strings.Join(bics(), ","), "SONGAN_BANK_PASSWORDS": strings.Join(passwords, ","),
		"SONGAN_DISBURSEMENT_SILENCE": "4s", "SONGAN_KAFKA_SESSION": kafkabus.LeastSession.String(),
	}
	p := c.built(t, name, name, environment)
	p.up = answers("http://" + c.address[name] + "/readyz")
	c.programs[name] = p
}

// presses are the answers to the release of each list, by list and treasurer.
type presses struct {
	mu      sync.Mutex
	answers map[string][]int
}

func (p *presses) note(list, treasurer string, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := list + " " + treasurer
	p.answers[key] = append(p.answers[key], status)
}

// all returns a copy.
func (p *presses) all() map[string][]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string][]int{}
	for key, answers := range p.answers {
		all[key] = slices.Clone(answers)
	}
	return all
}

// front is the reverse proxy before the services. A payday presses every release twice at once with the key of one
// treasurer; here the second press is made with the key of another one, so that two people race.
func (c *cluster) front(t *testing.T) {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	second := "Bearer " + c.tokens["second_treasurer"]
	proxy := &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			name := strings.SplitN(r.In.URL.Path, "/", 3)[1]
			r.SetURL(&url.URL{Scheme: "http", Host: c.address[name]})
			if isRelease(r.In) && strings.HasSuffix(r.In.Header.Get("Idempotency-Key"), "-release-1") {
				r.Out.Header.Set("Authorization", second)
			}
		},
		ModifyResponse: func(r *http.Response) error {
			if isRelease(r.Request) {
				who := "first"
				if r.Request.Header.Get("Authorization") == second {
					who = "second"
				}
				c.presses.note(strings.Split(r.Request.URL.Path, "/")[4], who, r.StatusCode)
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.SplitN(r.URL.Path, "/", 3)[1]
		switch {
		case r.URL.Path == "/readyz": // everything is up before the front is
		case slices.Contains(services(), name):
			proxy.ServeHTTP(w, r)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		transport.CloseIdleConnections()
	})
	c.base = server.URL
}

func isRelease(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/disbursement/v1/payrolls/") &&
		strings.HasSuffix(r.URL.Path, "/release")
}

// writeDemo writes what a payday has to know, as the system in one process does.
func (c *cluster) writeDemo(t *testing.T) {
	t.Helper()
	type actor struct {
		Token string `json:"token"`
		Unit  string `json:"unit"`
	}
	actors, banks := map[string]actor{}, map[string]map[string]string{}
	for name, principal := range actorsOfCluster() {
		if principal.Role != access.Service && name != "second_treasurer" {
			actors[name] = actor{c.tokens[name], principal.Unit}
		}
	}
	for bic, control := range c.control {
		banks[bic] = map[string]string{"control": control}
	}
	data, err := json.Marshal(map[string]any{
		"base_url": c.base, "postgres": c.server.URL("postgres"), "actors": actors, "banks": banks,
	})
	if err == nil {
		err = os.WriteFile(c.demoFile(), data, 0o600)
	}
	if err == nil {
		err = json.Unmarshal(data, &c.demo)
	}
	if err != nil {
		t.Fatal(err)
	}
}
