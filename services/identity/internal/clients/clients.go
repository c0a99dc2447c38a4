// Package clients asks those that the identity service depends on: the services that know the person behind a reference
// of theirs, and the national population database. Each stands behind a circuit breaker of its own, and whatever they do
// wrong (no answer, an error page, an answer that cannot be read) counts as "away": the check waits.
package clients

import "github.com/songan-vn/songan/libs/peer"

// Options say how a dependency is reached.
type Options = peer.Options
