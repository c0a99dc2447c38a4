package desk

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/services/simulators/bank/internal/ledger"
)

// The names of the messages, as the published contract has them (events/asyncapi.yaml, docs/banks.md).
const (
	typeInstructed = "bank.payment_instructed.v1"
	typeRecall     = "bank.payment_recall_requested.v1"
	typeInquiry    = "bank.status_inquired.v1"
	typeOpening    = "bank.account_opening_requested.v1"
	typeVerifying  = "bank.account_verification_requested.v1"

	typeStatus   = "bank.payment_status_reported.v1"
	typeOpened   = "bank.account_opening_reported.v1"
	typeVerified = "bank.account_verified.v1"
)

// The statuses of ISO 20022 that this bank uses.
const (
	credited = "ACCC"
	rejected = "RJCT"
	returned = "RTND"
)

// longestID is the most characters that ISO 20022 allows in an end-to-end id.
const longestID = 35

// instruction is what this bank reads of PaymentInstructed.
type instruction struct {
	EndToEndID      string `json:"end_to_end_id"`
	UETR            string `json:"uetr"`
	Amount          int64  `json:"amount"`
	CreditorName    string `json:"creditor_name"`
	CreditorAccount string `json:"creditor_account"`
	CategoryPurpose string `json:"category_purpose"`
	Programme       string `json:"programme"`
	Month           string `json:"month"`
}

// digest tells two bodies apart. The time of the instruction and the text for the holder may differ in a repetition.
func (i instruction) digest() ledger.Digest {
	text, _ := json.Marshal(i) // strings and a number always become JSON
	sum := sha256.Sum256(text)
	return ledger.Digest(sum[:])
}

// reference is what this bank reads of PaymentRecallRequested and StatusInquired.
type reference struct {
	EndToEndID string `json:"end_to_end_id"`
	Reason     string `json:"reason"`
	Inquiry    int    `json:"inquiry"`
}

func (r reference) id() string { return r.EndToEndID }

// opening is what this bank reads of AccountOpeningRequested.
type opening struct {
	RequestID string `json:"request_id"`
	Holder    struct {
		FullName string `json:"full_name"`
	} `json:"holder"`
}

// verifying is what this bank reads of AccountVerificationRequested.
type verifying struct {
	RequestID     string `json:"request_id"`
	AccountNumber string `json:"account_number"`
	HolderName    string `json:"holder_name"`
}

// Report is the body of PaymentStatusReported.
type Report struct {
	EndToEndID    string     `json:"end_to_end_id"`
	Status        string     `json:"status"`
	Reason        string     `json:"reason,omitempty"`
	BankReference string     `json:"bank_reference,omitempty"`
	BookedAt      *time.Time `json:"booked_at,omitempty"`
	Amount        int64      `json:"amount,omitempty"`
	Inquiry       int        `json:"inquiry,omitempty"`
}

// openingReport is the body of AccountOpeningReported.
type openingReport struct {
	RequestID     string `json:"request_id"`
	Status        string `json:"status"`
	AccountNumber string `json:"account_number,omitempty"`
	HolderName    string `json:"holder_name,omitempty"`
	Biometric     bool   `json:"biometric,omitempty"`
	Reason        string `json:"reason,omitempty"`
}

// verification is the body of AccountVerified.
type verification struct {
	RequestID string `json:"request_id"`
	Answer    string `json:"answer"`
	Status    string `json:"status"`
}

// Received is a record of the instructions topic.
type Received struct {
	Partition int
	Offset    int64
	// Kind is the header ce_type.
	Kind string
	Body []byte
}

// Read turns a record into what it says. Headers that are not there are empty.
func Read(partition int, r *kafka.Record, value []byte) Received {
	m := Received{Partition: partition, Offset: r.Offset, Body: value}
	for _, h := range r.Headers {
		if h.Key == "ce_type" {
			m.Kind = string(h.Value)
		}
	}
	return m
}

// Outgoing is a message for the reports topic.
type Outgoing struct {
	key, kind, id string
	body          []byte
	again         bool // the message before once more, id included
}

// Message makes a CloudEvent in binary mode.
func (o Outgoing) Message(bic string, now time.Time) kafka.Message {
	header := func(key, value string) kafka.Header { return kafka.Header{Key: key, Value: []byte(value)} }
	return kafka.Message{
		Key: []byte(o.key), Value: o.body, Time: now,
		Headers: []kafka.Header{
			header("ce_specversion", "1.0"), header("ce_id", o.id), header("ce_type", o.kind),
			header("ce_source", "bank/"+bic), header("ce_time", now.UTC().Format(time.RFC3339Nano)),
			header("ce_subject", o.key), header("content-type", "application/json"),
		},
	}
}

// saying makes a message of a body that always becomes JSON.
func saying(key, kind string, body any) Outgoing {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(body) // strings, numbers and times always become JSON
	return Outgoing{key: key, kind: kind, body: bytes.TrimSuffix(text.Bytes(), []byte("\n"))}
}

// named gives the messages of one cause their ids: the same again when the cause comes again.
func named(bic, cause string, all []Outgoing) []Outgoing {
	n := 0
	for i := range all {
		if all[i].again {
			n--
		}
		all[i].id = fmt.Sprintf("%s/%s/%d", bic, cause, n)
		n++
	}
	return all
}
