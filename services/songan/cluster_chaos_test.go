package songan_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday"
)

const (
	killWithin = 250 * time.Millisecond // of the beginning of a stage, or of the kill before
	downWithin = 400 * time.Millisecond // how long something is down at most, beside what its start takes
)

// plan says what is killed during which part of the payday: everything once before money moves, and everything that
// handles money once more while it does.
func (c *cluster) plan(silent string) map[payday.Stage][]string {
	others := slices.DeleteFunc(bics(), func(bic string) bool { return bic == silent })
	early := []string{"accommodation", "identity", "accounts", "bankgateway", "disbursement", broker, postgresql, silent}
	late := []string{"identity", "accounts", "bankgateway", "disbursement", broker, postgresql, others[c.random.IntN(len(others))]}
	if !c.ours {
		early = slices.DeleteFunc(early, func(name string) bool { return name == broker })
		late = slices.DeleteFunc(late, func(name string) bool { return name == broker })
	}
	plan := map[payday.Stage][]string{}
	deal := func(cards []string, stages ...payday.Stage) {
		c.random.Shuffle(len(cards), func(i, j int) { cards[i], cards[j] = cards[j], cards[i] })
		for i, card := range cards {
			s := stages[i%len(stages)]
			plan[s] = append(plan[s], card)
		}
	}
	deal(early, payday.Registering, payday.Issuing, payday.Enrolling, payday.Drafting)
	deal(late, payday.Releasing, payday.Paying, payday.Settling)
	return plan
}

// again picks what is killed while the bank that was silent answers: two of those that its answers pass through.
func (c *cluster) again(silent string) []string {
	way := []string{silent, "bankgateway", "disbursement", postgresql}
	if c.ours {
		way = append(way, broker)
	}
	c.random.Shuffle(len(way), func(i, j int) { way[i], way[j] = way[j], way[i] })
	return way[:2]
}

// within waits a random time.
func (c *cluster) within(most time.Duration) time.Duration {
	d := time.Duration(c.random.Int64N(int64(most)))
	timer := time.NewTimer(d)
	<-timer.C
	return d.Round(time.Millisecond)
}

// strike kills what is named, one after the other at random moments, and starts all of it again after another one:
// database and broker first, because a service that is started without them gives up, and whoever supervises it would
// have to start it again. While a service is down, what it knows about its progress is taken from it if replay says so.
func (c *cluster) strike(t *testing.T, stage payday.Stage, replay bool, names ...string) {
	t.Helper()
	for _, name := range names {
		after := c.within(killWithin)
		t.Logf("%-11s after %s: kill -9 %s", stage, after, name)
		if name == postgresql {
			c.server.Kill()
		} else {
			c.programs[name].kill(t)
		}
	}
	t.Logf("%-11s down for another %s", stage, c.within(downWithin))
	slices.SortFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	for _, name := range names {
		switch {
		case name == postgresql:
			c.server.Start(t)
			c.serverUp++
			continue
		case name == broker:
			c.begin(t, broker)
			continue
		case replay && slices.Contains(services(), name):
			c.forget(t, name)
		case replay && slices.Contains(bics(), name):
			c.forgetAtBank(t, name)
		}
		c.programs[name].start(t)
	}
}

func rank(name string) int {
	if i := slices.Index([]string{postgresql, broker}, name); i >= 0 {
		return i
	}
	return 2
}

// forget makes a service read every topic again from its first record, and publish its whole log again. Its consumers keep
// their progress in its database, and Kafka's committed offsets are a hint for tools alone: a new consumer group would
// change nothing, and the names of groups are no setting.
func (c *cluster) forget(t *testing.T, service string) {
	t.Helper()
	conn := c.connect(t, service)
	defer func() { _ = conn.Close(context.Background()) }()
	for _, sql := range []string{
		`delete from consumer_positions`,
		`update relay_positions set position = 0, previous = array_fill(0::bigint, array[cardinality(previous)])`,
	} {
		done, err := conn.Exec(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("            %s forgets its progress: %s", service, done)
	}
}

func (c *cluster) connect(t *testing.T, database string) *pgx.Conn {
	t.Helper()
	var conn *pgx.Conn
	testkit.Eventually(t, func() (err error) {
		conn, err = pgx.Connect(t.Context(), c.server.URL(database))
		return err
	})
	return conn
}

// as is a Kafka client of a user.
func (c *cluster) as(t *testing.T, user, password string) *kafka.Client {
	t.Helper()
	config, err := kafkabus.Connect(kafkabus.Settings{Brokers: c.kafka.Brokers, User: user, Password: password, ClientID: "cluster-test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(config.Close)
	return &kafka.Client{Addr: kafka.TCP(c.kafka.Brokers...), Transport: config.Transport, Timeout: 10 * time.Second}
}

// forgetAtBank sets the committed offsets of a bank back to the first instruction, with the bank's own rights.
func (c *cluster) forgetAtBank(t *testing.T, bic string) {
	t.Helper()
	topic := c.topics + ".bank." + bic + ".instructions.v1"
	client := c.as(t, c.bankUser(bic), c.banks[bic])
	request := &kafka.OffsetCommitRequest{
		GroupID: c.topics + ".bank." + bic + ".core", GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{},
	}
	testkit.Eventually(t, func() error {
		ends, err := ends(t.Context(), client, topic)
		if err != nil {
			return err
		}
		request.Topics[topic] = nil
		for p := range ends {
			request.Topics[topic] = append(request.Topics[topic], kafka.OffsetCommit{Partition: p})
		}
		done, err := client.OffsetCommit(t.Context(), request)
		if err != nil {
			return err
		}
		var faults []error
		for _, p := range done.Topics[topic] {
			faults = append(faults, p.Error)
		}
		return errors.Join(faults...)
	})
	t.Logf("            %s begins its instructions anew", bic)
}

// ends are the offsets that will be written next, by partition.
func ends(ctx context.Context, client *kafka.Client, topic string) (map[int]int64, error) {
	found, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, err
	}
	if len(found.Topics) != 1 || found.Topics[0].Error != nil || len(found.Topics[0].Partitions) == 0 {
		return nil, fmt.Errorf("topic %s is not there: %+v", topic, found.Topics)
	}
	var ask []kafka.OffsetRequest
	for p := range found.Topics[0].Partitions {
		ask = append(ask, kafka.LastOffsetOf(p))
	}
	answer, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: ask}})
	if err != nil {
		return nil, err
	}
	all := map[int]int64{}
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return nil, p.Error
		}
		all[p.Partition] = p.LastOffset
	}
	if len(all) != len(ask) {
		return nil, fmt.Errorf("%d of %d partitions of %s answer", len(all), len(ask), topic)
	}
	return all, nil
}

// rebuildAll rebuilds every read model of every service, as an operator does, until each of them was: a rebuild that a
// kill has ended left everything as it was. It returns how many were rebuilt, and how many attempts it took.
func (c *cluster) rebuildAll(ctx context.Context, models map[string][]string) (rebuilt, attempts int, err error) {
	for service, names := range models {
		for _, name := range names {
			path := "/" + service + "/v1/projections/" + name + "/rebuild"
			for {
				attempts++
				status, answer, err := c.call(ctx, http.MethodPost, path, "admin", "", map[string]any{})
				if err == nil && status == http.StatusOK {
					rebuilt++
					break
				}
				if err == nil && status < http.StatusInternalServerError && status != http.StatusConflict {
					return rebuilt, attempts, fmt.Errorf("rebuild %s of %s: %d %s", name, service, status, answer)
				}
				select {
				case <-ctx.Done():
					return rebuilt, attempts, fmt.Errorf("rebuild %s of %s: %d %s %w", name, service, status, answer, errors.Join(err, ctx.Err()))
				case <-time.After(100 * time.Millisecond): // the service is down, or the lock of a rebuild that was killed is still held
				}
			}
		}
	}
	return rebuilt, attempts, nil
}

// models are the read models of every service.
func (c *cluster) models(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, s := range services() {
		all[s] = query[string](t, c.machine, s, `select name from projection_versions where serving order by 1`)
	}
	return all
}

// silence has a bank accept everything and answer nothing, until it is told otherwise.
func (c *cluster) silence(t *testing.T, bic string) {
	t.Helper()
	s := *unreliable()
	s["silent"] = true
	c.tell(t, bic, &s)
}

// crashes counts how often PostgreSQL found at its start that it had been killed.
func (c *cluster) crashes(t *testing.T) int {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(filepath.Dir(c.server.Dir()), "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(log, []byte("database system was not properly shut down; automatic recovery in progress"))
}
