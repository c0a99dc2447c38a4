package bank

import (
	"github.com/songan-vn/songan/services/simulators/bank/internal/desk"
	"github.com/songan-vn/songan/services/simulators/internal/delay"
)

type (
	// Scenario says how the bank behaves. The zero value is a bank that books and reports everything at once.
	Scenario = desk.Scenario
	// Manner is a way to report what became of a payment; the ledger is right whatever is reported.
	Manner = desk.Manner
	// Returns are credits that come back.
	Returns = desk.Returns
	// Latency is how slow reports are.
	Latency = delay.Latency
	// Report is the body of a status report.
	Report = desk.Report
)

// The manners that are not honest, complete, in order and once.
const (
	Mute             = desk.Mute
	Lost             = desk.Lost
	AcknowledgedOnly = desk.AcknowledgedOnly
	Twice            = desk.Twice
	OutOfOrder       = desk.OutOfOrder
	Contradictory    = desk.Contradictory
	WrongAmount      = desk.WrongAmount
	Garbage          = desk.Garbage
)

// The fates of a request for an account, other than to be opened for its holder with everything done.
const (
	NeedsInformation = desk.NeedsInformation
	Refused          = desk.Refused
	BiometricPending = desk.BiometricPending
	OtherName        = desk.OtherName
	PlainName        = desk.PlainName
	MaskedName       = desk.MaskedName
)

// How payments are acknowledged before the verdict; nothing is ACTC once.
const (
	AcknowledgeNever = desk.AcknowledgeNever
	AcknowledgeSteps = desk.AcknowledgeSteps
)
