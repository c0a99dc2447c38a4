package bankgateway

import "github.com/songan-vn/songan/events"

// ChannelFacts lists the facts of the stream of one bank.
func ChannelFacts() []events.Event { return []events.Event{BankPaused{}, BankResumed{}} }

// BankPaused says that nothing is sent to a bank until it is resumed. What the bank reports is still heard.
type BankPaused struct {
	// Bank is the BIC.
	Bank string `json:"bank"`
	// Note is the reference, in the gateway's vault, of the operator's reason.
	Note string `json:"note"`
	By   string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (BankPaused) EventName() string { return "bankgateway.bank_paused.v1" }

// BankResumed says that what waited for the bank is sent again.
type BankResumed struct {
	Bank string `json:"bank"`
	By   string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (BankResumed) EventName() string { return "bankgateway.bank_resumed.v1" }
