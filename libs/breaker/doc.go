// Package breaker stands around every outgoing client: when a service we depend on is away, calls fail at once
// and cheaply instead of piling up, and the callers learn when another try is worth it.
//
//  1. A failure is what the dependency did to us: no connection, a broken one, no answer in time, 5xx, 429.
//  2. A 4xx answer, or any other error of the business, is an answer: the dependency is there. It counts as a success.
//  3. Our own shutdown (a cancelled context) says nothing about the dependency. It is not counted at all.
//  4. The breaker opens when [Settings].Failures calls in a row failed, however slow the traffic, or when
//     [Settings].Percent of at least [Settings].Calls calls in the rolling window failed.
//  5. While it is open, calls end with an error that is [ErrOpen] and says when a probe will be let through.
//     After [Settings].OpenFor it is half-open: [Settings].Probes calls go through, and success closes it.
//  6. [IsDown] is the question that reactions ask before they put a message into quarantine: an error of a dependency
//     that is away is waited out, never parked.
//
// An HTTP client gets a [Transport]; anything else goes through [Do]. One call goes through one of the two, not both.
// Give the client a time-out as well: a call that never ends is never counted.
package breaker
