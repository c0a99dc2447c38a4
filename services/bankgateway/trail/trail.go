// Package trail tells what the bank gateway keeps of one person, by the accounts that the accounts service knows to be theirs: how
// they were opened, and their numbers. What it told banks about a payment holds references alone; those of the payment itself
// stand in disbursement.
package trail

import (
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/services/bankgateway/internal/opening"
	"github.com/songan-vn/songan/services/bankgateway/internal/reactions"
)

// Of leads from accounts to the requests by which banks opened them.
func Of(keys subject.Keys) subject.Trail {
	found := subject.Trail{Refs: keys.Refs, Follow: []string{reactions.PurposeNumber}}
	for _, account := range keys.Own {
		found.Streams = append(found.Streams, opening.Stream(account))
	}
	return found
}
