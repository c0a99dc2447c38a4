// Command consumer is the smallest bank that keeps the contract with Song An: it reads its instructions, pays each
// end-to-end id once, and reports that. docs/banks.md says what a real one does besides.
//
//	BIC=ICBVVNVX BROKERS=kafka:9092 KAFKA_USER=songan.bank.ICBVVNVX KAFKA_PASSWORD=... PAID=paid.jsonl consumer   # CA, CERTIFICATE, KEY: tls.go
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// booking is what is kept of a payment, and the report of it.
type booking struct {
	EndToEndID    string    `json:"end_to_end_id"`
	Status        string    `json:"status"`
	Reason        string    `json:"reason,omitempty"`
	Amount        int64     `json:"amount,omitempty"`
	BankReference string    `json:"bank_reference,omitempty"`
	BookedAt      time.Time `json:"booked_at,omitzero"`
}

func main() {
	fmt.Fprintln(os.Stderr, "consumer:", run(context.Background(), os.Getenv))
	os.Exit(1) //nolint:forbidigo // this is main; it has no folder cmd around it
}

func run(ctx context.Context, getenv func(string) string) error {
	safe, broken := encryption(getenv)
	login, failed := scram.Mechanism(scram.SHA512, getenv("KAFKA_USER"), getenv("KAFKA_PASSWORD"))
	file, err := os.OpenFile(getenv("PAID"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err = errors.Join(broken, failed, err); err != nil {
		return err
	}
	defer file.Close()
	topics, brokers := "songan.bank."+getenv("BIC")+".", strings.Split(getenv("BROKERS"), ",")
	instructions := kafka.NewReader(kafka.ReaderConfig{
		Brokers: brokers, Dialer: &kafka.Dialer{SASLMechanism: login, TLS: safe}, Topic: topics + "instructions.v1",
		GroupID: topics + "consumer", StartOffset: kafka.FirstOffset, MaxWait: 500 * time.Millisecond,
	})
	defer instructions.Close()
	transport := &kafka.Transport{SASL: login, TLS: safe}
	defer transport.CloseIdleConnections()
	reports := &kafka.Writer{
		Addr: kafka.TCP(brokers...), Transport: transport, Topic: topics + "reports.v1",
		Balancer: kafka.Murmur2Balancer{}, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
	}
	defer reports.Close()
	paid := map[string]booking{} // every end-to-end id that was ever paid
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var b booking
		_ = json.Unmarshal(lines.Bytes(), &b) // nothing comes of a line that is torn
		paid[b.EndToEndID] = b
	}
	_, err = fmt.Fprintln(file) // whatever was torn ends here
	for err == nil {            // read, pay once, report, commit: whatever fails, the instruction comes again
		m, failed := instructions.FetchMessage(ctx)
		if failed != nil {
			return failed
		}
		var asked booking // of the instructions, only payments have an amount
		if json.Unmarshal(m.Value, &asked) == nil && asked.Amount > 0 {
			err = answer(ctx, reports, file, paid, asked)
		}
		if err == nil {
			err = instructions.CommitMessages(ctx, m)
		}
	}
	return err
}

func answer(ctx context.Context, reports *kafka.Writer, file *os.File, paid map[string]booking, asked booking) error {
	b, already := paid[asked.EndToEndID]
	if !already { // here a real bank books the money, in one transaction with the id
		b = booking{asked.EndToEndID, "ACCC", "", asked.Amount, "REF-" + asked.EndToEndID, time.Now().UTC()}
		if err := errors.Join(json.NewEncoder(file).Encode(b), file.Sync()); err != nil {
			return err
		}
		paid[b.EndToEndID] = b
	} else if b.Amount != asked.Amount { // another payment under the same id
		b = booking{EndToEndID: b.EndToEndID, Status: "RJCT", Reason: "DUPL"}
	}
	report, _ := json.Marshal(b) // texts, a number and a time always become JSON
	header := func(key, value string) kafka.Header { return kafka.Header{Key: key, Value: []byte(value)} }
	return reports.WriteMessages(ctx, kafka.Message{Key: []byte(b.EndToEndID), Value: report, Headers: []kafka.Header{
		header("ce_specversion", "1.0"), header("ce_type", "bank.payment_status_reported.v1"), header("ce_source", "bank"),
		header("ce_id", b.EndToEndID+"/"+time.Now().Format(time.RFC3339Nano)), header("content-type", "application/json"),
		header("ce_time", time.Now().UTC().Format(time.RFC3339)),
	}})
}
