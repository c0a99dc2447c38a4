package bankgateway_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
)

// Two installations on one cluster, such as a test system beside the real one, each let in the banks that they serve with
// a password of their own, whichever starts last.
func TestTwoInstallationsOnOneClusterDoNotLockOutEachOthersBanks(t *testing.T) {
	t.Parallel()
	first, second := open(t), open(t)
	for _, g := range []*gate{first, second} {
		bus, err := kafkabus.Connect(kafkabus.Settings{
			Brokers: g.Config.Brokers, User: g.Config.Topics + ".bank." + icb, Password: g.settings.BankPasswords[icb],
		})
		if err != nil {
			t.Fatal(err)
		}
		defer bus.Close()
		conn, err := bus.Dialer.DialContext(t.Context(), "tcp", g.Config.Brokers[0]) // logs in
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Topics with names and account numbers on them forget, also those that were made when they were to be kept for longer.
func TestABanksTopicsKeepTheirRecordsForAsLongAsIsSet(t *testing.T) {
	t.Parallel()
	g := open(t)
	kept := func() string {
		t.Helper()
		var found []string
		for _, topic := range []string{".instructions.v1", ".reports.v1"} {
			resp, err := g.disbursement.Bus.Client().DescribeConfigs(t.Context(), &kafka.DescribeConfigsRequest{
				Resources: []kafka.DescribeConfigRequestResource{{
					ResourceType: kafka.ResourceTypeTopic, ResourceName: g.Config.Topics + ".bank." + icb + topic, ConfigNames: []string{"retention.ms"},
				}},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range resp.Resources[0].ConfigEntries {
				found = append(found, entry.ConfigValue)
			}
		}
		return strings.Join(found, " ")
	}
	keeps := func(want string) {
		t.Helper()
		testkit.Eventually(t, func() error { // Apache Kafka's brokers hear of it after the answer
			if got := kept(); got != want {
				return fmt.Errorf("kept for %s instead of %s", got, want)
			}
			return nil
		})
	}
	keeps("7776000000 7776000000") // 90 days
	for _, c := range []struct {
		set  time.Duration
		want string
	}{{30 * 24 * time.Hour, "2592000000 2592000000"}, {0, "2592000000 2592000000"}} {
		g.stop()
		g.settings.Retention = c.set
		g.start(t)
		keeps(c.want)
	}
}
