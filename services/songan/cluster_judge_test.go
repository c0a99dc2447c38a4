package songan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/disbursement/audit"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday"
)

// tell gives one bank a scenario.
func (c *cluster) tell(t *testing.T, bic string, s *payday.Scenario) {
	t.Helper()
	body, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	c.await(t, bic) // it may just have been killed
	c.bank(t, bic, http.MethodPost, "/control/scenario", body)
}

// place is how far a consumer is in a partition.
type progress struct {
	Consumer, Topic string
	Partition       int
	Offset          int64
}

// consumers are those of a service, with their topics.
func (c *cluster) consumers(t *testing.T, service string) []string {
	t.Helper()
	return query[string](t, c.machine, service, `select distinct consumer || ' ' || topic from consumer_positions order by 1`)
}

// settled waits until nothing is under way any more: every relay has published its log, every consumer has read every
// topic to its end, and the banks have read their instructions and owe no answer. These are looked at one after the other, and
// what the first has yet to do may come from the last: so it has to be so twice, and no log may have grown in between.
func (c *cluster) settled(t *testing.T, consumers map[string][]string) {
	t.Helper()
	client := c.as(t, c.kafka.User, c.kafka.Password)
	var before map[string]int
	testkit.Eventually(t, func() error {
		c.supervise(t)
		var faults []error
		for _, s := range services() {
			faults = append(faults, c.caughtUp(t, client, s, consumers[s]))
		}
		for _, bic := range bics() {
			faults = append(faults, c.bankIdle(t, client, bic))
		}
		if err := errors.Join(faults...); err != nil {
			before = nil
			return err
		}
		last := before
		if before = c.facts(t); !maps.Equal(last, before) {
			return fmt.Errorf("facts of each log: %v, and before: %v", before, last)
		}
		return nil
	})
}

// endsFor are the offsets that will be written next of what a service reads: of a topic, or of its own log.
func (c *cluster) endsFor(t *testing.T, client *kafka.Client, service, topic string) (map[int]int64, error) {
	t.Helper()
	if topic != kafkabus.OwnLog {
		return ends(t.Context(), client, topic)
	}
	return map[int]int64{0: query[int64](t, c.machine, service, `select coalesce(max(position) + 1, 0) from events`)[0]}, nil
}

// caughtUp tells whether a service has published everything, and read everything.
func (c *cluster) caughtUp(t *testing.T, client *kafka.Client, service string, consumers []string) error {
	t.Helper()
	for _, behind := range query[int64](t, c.machine, service,
		`select (select coalesce(max(position), 0) from events) - position from relay_positions`) {
		if behind != 0 {
			return fmt.Errorf("%s has %d facts to publish", service, behind)
		}
	}
	at := map[string]int64{}
	rows := query[string](t, c.machine, service, `
select jsonb_build_object('Consumer', consumer, 'Topic', topic, 'Partition', partition, 'Offset', next_offset)::text from consumer_positions`)
	for _, row := range rows {
		var p progress
		if err := json.Unmarshal([]byte(row), &p); err != nil {
			t.Fatal(err)
		}
		at[fmt.Sprint(p.Consumer, " ", p.Topic, " ", p.Partition)] = p.Offset
	}
	for _, who := range consumers {
		_, topic, _ := strings.Cut(who, " ")
		last, err := c.endsFor(t, client, service, topic)
		if err != nil {
			return err
		}
		for partition, end := range last {
			if have := at[fmt.Sprint(who, " ", partition)]; have < end {
				return fmt.Errorf("%s is at %d of %d in partition %d", who, have, end, partition)
			}
		}
	}
	return nil
}

// bankIdle tells whether a bank has read its instructions and owes nothing.
func (c *cluster) bankIdle(t *testing.T, client *kafka.Client, bic string) error {
	t.Helper()
	var totals struct{ Owed int64 }
	if err := json.Unmarshal(c.bank(t, bic, http.MethodGet, "/ledger", nil), &totals); err != nil || totals.Owed > 0 {
		return fmt.Errorf("%s owes %d answers: %w", bic, totals.Owed, errors.Join(err))
	}
	topic := c.topics + ".bank." + bic + ".instructions.v1"
	last, err := ends(t.Context(), client, topic)
	if err != nil {
		return err
	}
	for partition, end := range last {
		committed, err := client.OffsetFetch(t.Context(), &kafka.OffsetFetchRequest{
			GroupID: c.topics + ".bank." + bic + ".core", Topics: map[string][]int{topic: {partition}},
		})
		if err != nil {
			return err
		}
		if p := committed.Topics[topic]; len(p) != 1 || p[0].Error != nil || p[0].CommittedOffset < end && end > 0 {
			return fmt.Errorf("%s has committed %+v of %d", topic, p, end)
		}
	}
	return nil
}

// judge compares the banks' books with our log, and looks at everything else that must not have happened.
func (c *cluster) judge(t *testing.T) {
	t.Helper()
	c.judgePayday(t)
	c.nothingInQuarantine(t, "accommodation")
	c.nothingInQuarantine(t, "identity")
	c.judgeSums(t)
	c.judgeBanks(t)
	c.judgePresses(t)
	c.runAudit(t)
}

// judgeSums compares how much was credited and returned at each bank, with what our log says.
func (c *cluster) judgeSums(t *testing.T) {
	t.Helper()
	ours := query[string](t, c.machine, "disbursement", `
select concat_ws(' ', r.data->>'bank', e.type, count(*), sum((r.data->>'amount')::bigint))
  from events r join events e on e.stream = r.stream and e.data->>'attempt' = r.data->>'attempt'
 where r.type in ('disbursement.payment_released.v1', 'disbursement.payment_reissued.v1')
   and (e.type = 'disbursement.payment_returned.v1' or e.type = 'disbursement.payment_rejected.v1' or e.type = 'disbursement.payment_credited.v1'
   and not exists (select from events b where b.stream = r.stream and b.data->>'attempt' = r.data->>'attempt' and b.type = 'disbursement.payment_returned.v1'))
 group by r.data->>'bank', e.type order by 1`)
	var theirs []string
	for _, bic := range bics() {
		var totals struct{ Payments, Amount map[string]int64 }
		if err := json.Unmarshal(c.bank(t, bic, http.MethodGet, "/ledger", nil), &totals); err != nil {
			t.Fatal(err)
		}
		for status, end := range map[string]string{"ACCC": "credited", "RTND": "returned", "RJCT": "rejected"} {
			if n := totals.Payments[status]; n > 0 {
				theirs = append(theirs, fmt.Sprintf("%s disbursement.payment_%s.v1 %d %d", bic, end, n, totals.Amount[status]))
			}
		}
	}
	slices.Sort(theirs)
	slices.Sort(ours)
	if !slices.Equal(ours, theirs) {
		t.Errorf("sums by bank and end: ours\n%q\ntheirs\n%q", ours, theirs)
	}
}

// judgeBanks sees to it that every bank had instructions twice and took none of them for another payment, and that each
// account that we asked for was asked for once.
func (c *cluster) judgeBanks(t *testing.T) {
	t.Helper()
	theirs := map[string]string{}
	for _, bic := range bics() {
		var totals struct{ Instructed, Repeated, Conflicts int64 }
		if err := json.Unmarshal(c.bank(t, bic, http.MethodGet, "/ledger", nil), &totals); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s was told %d times to pay, %d of them about a payment that it knew", bic, totals.Instructed, totals.Repeated)
		if totals.Repeated == 0 || totals.Conflicts != 0 {
			t.Errorf("%s had %d repeated instructions and %d that contradict", bic, totals.Repeated, totals.Conflicts)
		}
		for row := range bytes.Lines(c.bank(t, bic, http.MethodGet, "/accounts.jsonl", nil)) {
			var opening struct {
				ID string `json:"request_id"`
			}
			if err := json.Unmarshal(row, &opening); err != nil {
				t.Fatal(err)
			}
			if other, known := theirs[opening.ID]; known {
				t.Errorf("account %s was asked for at %s and at %s", opening.ID, other, bic)
			}
			theirs[opening.ID] = bic
		}
	}
	ours := map[string]string{}
	for _, row := range query[string](t, c.machine, "accounts",
		`select data->>'account' || ' ' || (data->>'bank') from events where type = 'accounts.account_requested.v1'`) {
		id, bic, _ := strings.Cut(row, " ")
		ours[id] = bic
	}
	if diff := cmp.Diff(theirs, ours); diff != "" || len(ours) == 0 {
		t.Errorf("accounts that were asked for (-at the banks +by us):\n%s", diff)
	}
}

// judgePresses sees to it that two treasurers pressed each release, and that one of them alone was told that it was theirs.
func (c *cluster) judgePresses(t *testing.T) {
	t.Helper()
	won, lists := map[string]map[string]bool{}, map[string]int{}
	for press, answers := range c.presses.all() {
		list, who, _ := bytes.Cut([]byte(press), []byte(" "))
		lists[string(list)]++
		for _, status := range answers {
			if status < http.StatusMultipleChoices {
				if won[string(list)] == nil {
					won[string(list)] = map[string]bool{}
				}
				won[string(list)][string(who)] = true
			}
		}
	}
	for list, pressed := range lists {
		if pressed != 2 || len(won[list]) != 1 {
			t.Errorf("list %s was pressed by %d treasurers, and released by %v", list, pressed, won[list])
		}
	}
	if len(lists) == 0 {
		t.Error("nobody released a list")
	}
	t.Logf("presses of releases, by list and treasurer: %v", c.presses.all())
}

// runAudit recomputes the invariants from the three logs alone.
func (c *cluster) runAudit(t *testing.T) {
	t.Helper()
	open := func(database string) *pgxpool.Pool {
		pool, err := pgxpool.New(t.Context(), c.server.URL(database))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		return pool
	}
	report, err := audit.Run(t.Context(), audit.Sources{
		Accounts: open("accounts"), Disbursement: open("disbursement"), Gateway: open("bankgateway"),
	})
	var text bytes.Buffer
	_, _ = report.WriteTo(&text)
	if err != nil || !report.OK() {
		t.Errorf("the audit: %v\n%s", err, &text)
		return
	}
	t.Logf("%s", &text)
}

// judgeKills sees to it that everything was killed, and tells how often.
func (c *cluster) judgeKills(t *testing.T) {
	t.Helper()
	kills := map[string]int{postgresql: c.serverUp - 1}
	banks := 0
	for name, p := range c.programs {
		if p.kills > 0 {
			kills[name] = p.kills
		}
		if slices.Contains(bics(), name) {
			banks += p.kills
		}
	}
	for _, name := range append(services(), postgresql) {
		if kills[name] == 0 {
			t.Errorf("%s was never killed", name)
		}
	}
	if banks == 0 || c.ours && kills[broker] == 0 {
		t.Errorf("%d banks were killed, the broker %d times", banks, kills[broker])
	}
	if crashed := c.crashes(t); crashed != kills[postgresql] {
		t.Errorf("PostgreSQL says that it crashed %d times, and was killed %d times", crashed, kills[postgresql])
	}
	for name, p := range c.programs {
		if p.gaveUp > 0 {
			t.Logf("%s gave up %d starts because database or broker were away", name, p.gaveUp)
		}
	}
	t.Logf("kills by SIGKILL, each seen in the exit status (of PostgreSQL: in its log): %v", kills)
}

// took logs how long a part of the test took.
func took(t *testing.T, what string, began *time.Time) {
	t.Helper()
	t.Logf("%s: %.1f s", what, time.Since(*began).Seconds())
	*began = time.Now()
}
