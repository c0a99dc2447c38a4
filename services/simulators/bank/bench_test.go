package bank_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	contract "github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/simulators/bank"
)

// Payments a second, each with two reports, from the first fetch until the last one is in the ledger; by then the reports
// of all but the last batch are in Kafka. With -cpu 1 the embedded broker works on the same core.
func BenchmarkPayments(b *testing.B) {
	broker := testkit.Kafka(b)
	cfg, err := kafkabus.Connect(kafkabus.Settings{Brokers: broker.Addrs, User: broker.User, Password: broker.Password})
	if err != nil {
		b.Fatal(err)
	}
	defer cfg.Close()
	bic := fmt.Sprintf("B%07d", b.N%10_000_000)
	topics := contract.Topics{Prefix: "songan", BIC: bic}
	for _, topic := range []string{topics.Instructions(), topics.Reports()} {
		if err := kafkabus.EnsureTopic(b.Context(), cfg, topic, 1, -1); err != nil {
			b.Fatal(err)
		}
	}
	client := &kafka.Client{Addr: broker.Addr(), Transport: cfg.Transport, Timeout: soon}
	const batch = 1000
	for from := 0; from < b.N; from += batch {
		var letters []kafka.Message
		for i := from; i < min(from+batch, b.N); i++ {
			letters = append(letters, letter(payment(fmt.Sprintf("e2e-%026d", i), 540_000)))
		}
		resp, err := client.Produce(b.Context(), &kafka.ProduceRequest{
			Topic: topics.Instructions(), RequiredAcks: kafka.RequireAll, Records: records(letters),
		})
		if err != nil || resp.Error != nil {
			b.Fatal(err, resp)
		}
	}
	s, err := bank.New(bank.Options{
		BIC: bic, Brokers: broker.Addrs, User: broker.User, Password: broker.Password, Dir: b.TempDir(),
		Scenario: bank.Scenario{AnyAccount: true},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	if err := s.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	testkit.Within(b, 10*time.Minute, func() error {
		if done := s.Totals().Instructed; done < int64(b.N) {
			return fmt.Errorf("%d of %d", done, b.N)
		}
		return nil
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "payments/s")
	if err := s.Close(context.Background()); err != nil {
		b.Error(err)
	}
}
