// Command consumer is the smallest bank that keeps the contract with Song An: it reads its instructions, pays each
// end-to-end id once, and reports that. docs/banks.md says what a real one does besides.
//
//	BIC=ICBVVNVX BROKERS=kafka:9092 KAFKA_USER=songan.bank.ICBVVNVX KAFKA_PASSWORD=... PAID=paid.jsonl consumer   # TLS: see run
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log"
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

func main() { log.Fatalln("consumer:", run(context.Background(), os.Getenv)) } //nolint:forbidigo // an example has no logger

func run(ctx context.Context, getenv func(string) string) error {
	login, broken := scram.Mechanism(scram.SHA512, getenv("KAFKA_USER"), getenv("KAFKA_PASSWORD"))
	file, err := os.OpenFile(getenv("PAID"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err = errors.Join(broken, err); err != nil {
		return err
	}
	defer file.Close()
	paid := map[string]booking{} // every end-to-end id that was ever paid
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var b booking
		_ = json.Unmarshal(lines.Bytes(), &b) // nothing comes of a line that is torn
		paid[b.EndToEndID] = b
	}
	safe := &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		own, err := tls.LoadX509KeyPair(getenv("CERTIFICATE"), getenv("KEY")) // each time: it is renewed
		return &own, err
	}}
	if getenv("TLS") == "" { // TLS=on CERTIFICATE=bank.pem KEY=bank.key; SSL_CERT_FILE vouches for the brokers, or the system does
		safe = nil
	}
	topics, brokers := "songan.bank."+getenv("BIC")+".", strings.Split(getenv("BROKERS"), ",")
	instructions := kafka.NewReader(kafka.ReaderConfig{
		Brokers: brokers, Dialer: &kafka.Dialer{SASLMechanism: login, TLS: safe}, Topic: topics + "instructions.v1", GroupID: topics + "consumer",
		MaxWait: 500 * time.Millisecond, MaxAttempts: 1 << 30, ErrorLogger: log.Default(), // it may start before it is let in, and says what it waits for
	})
	defer instructions.Close()
	reports := &kafka.Writer{
		Addr: kafka.TCP(brokers...), Transport: &kafka.Transport{SASL: login, TLS: safe}, Topic: topics + "reports.v1",
		Balancer: kafka.Murmur2Balancer{}, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
	}
	_, err = file.WriteString("\n") // whatever was torn ends here
	for err == nil {                // read, pay once, report, commit: whatever fails, the instruction comes again
		var m kafka.Message
		if m, err = instructions.FetchMessage(ctx); err == nil {
			err = pay(ctx, m.Value, paid, file, reports)
		}
		if err == nil {
			err = instructions.CommitMessages(ctx, m)
		}
	}
	return err
}

// pay answers every instruction; the money moves the first time.
func pay(ctx context.Context, instruction []byte, paid map[string]booking, file *os.File, reports *kafka.Writer) error {
	var asked booking
	if json.Unmarshal(instruction, &asked) != nil || asked.Amount <= 0 {
		return nil // of the instructions, only payments have an amount
	}
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
		header("ce_id", b.EndToEndID+time.Now().Format("/150405.000000000")), header("ce_time", time.Now().UTC().Format(time.RFC3339)), header("content-type", "application/json"),
	}})
}
