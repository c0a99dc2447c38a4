package exchange

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/songan-vn/songan/libs/httpapi/limits"
	"github.com/songan-vn/songan/libs/httpapi/lines"
)

// Limits are shared by the APIs of a process, because its memory and processors are.
type Limits struct {
	// Requests bounds the requests under way, Streams the batches and other streams among them.
	Requests *limits.Gate
	Streams  *limits.Gate
	// Addresses and Principals bound how often one of them may come; nil means as often as they like.
	Addresses  *limits.Rates
	Principals *limits.Rates
	// PrincipalRequests and PrincipalStreams bound what is under way for one facility, bank or person, whichever of its keys
	// they come with; nil means as much as there is room for. Services of ours and who operates the system are not counted.
	PrincipalRequests *limits.Shares
	PrincipalStreams  *limits.Shares
	// Spool bounds the verdicts of all batches that their clients have not read yet; each API has its own when nil.
	Spool *lines.Budget
	// Bodies bounds the memory of all large bodies; each API has its own when it is nil.
	Bodies *lines.Budget
	// BodyPatience is how long a small body may take to arrive (5 seconds when it is 0), Stall how long a stream may keep us
	// waiting for its next kilobyte (60 seconds).
	BodyPatience time.Duration
	Stall        time.Duration
	// Proxies are believed when they say on whose behalf they come (X-Forwarded-For).
	Proxies []netip.Prefix
}

// DefaultLimits are sane for one machine.
func DefaultLimits() Limits {
	const (
		requests, waiting = 512, 2048
		streams           = 16
		patience          = 2 * time.Second
		ownRequests       = 128
		ownStreams        = 4
	)
	return Limits{
		Requests: limits.NewGate(limits.GateOptions{Width: requests, Queue: waiting, Patience: patience}),
		Streams:  limits.NewGate(limits.GateOptions{Width: streams, Queue: streams, Patience: patience}),

		PrincipalRequests: limits.NewShares(ownRequests), PrincipalStreams: limits.NewShares(ownStreams),
	}
}

func (l Limits) orDefaults() Limits {
	const body, stall = 5 * time.Second, 60 * time.Second
	l.BodyPatience = cmp.Or(l.BodyPatience, body)
	l.Stall = cmp.Or(l.Stall, stall)
	if l.Spool == nil {
		l.Spool = lines.NewBudget(spoolBytes)
	}
	if l.Bodies == nil {
		l.Bodies = lines.NewBudget(bodyBytes)
	}
	return l
}

const (
	spoolBytes = 2 << 30   // that may wait on the disk for the clients of all batches
	bodyBytes  = 256 << 20 // of memory that large bodies may take
)

func (l Limits) shares(r *Route) *limits.Shares {
	if r.Stream {
		return l.PrincipalStreams
	}
	return l.PrincipalRequests
}

func (l Limits) gate(r *Route) *limits.Gate {
	if r.Stream {
		return l.Streams
	}
	return l.Requests
}

// Address returns who is on the other end, for counting only: it is never logged. IPv6 callers are counted by their
// network of 64 bits, which is what one household or attacker has.
func (l Limits) Address(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := at.Addr().Unmap()
	for i := len(r.Header.Values("X-Forwarded-For")); i > 0 && l.trusts(addr); i-- {
		addr = l.behind(addr, r.Header.Values("X-Forwarded-For")[i-1])
	}
	if addr.Is6() {
		const network = 64
		if p, err := addr.Prefix(network); err == nil {
			addr = p.Addr()
		}
	}
	return addr.String()
}

// behind follows one X-Forwarded-For from its end, as long as the proxies are ours.
func (l Limits) behind(addr netip.Addr, header string) netip.Addr {
	hops := strings.Split(header, ",")
	for i := len(hops) - 1; i >= 0 && l.trusts(addr); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return addr
		}
		addr = hop.Unmap()
	}
	return addr
}

func (l Limits) trusts(addr netip.Addr) bool {
	for _, p := range l.Proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

type stoppingKey struct{}

// WithStopping returns a context for the requests of a server that will stop when the channel closes. Streams then
// take nothing more in, finish what they have, and end.
func WithStopping(ctx context.Context, stopping <-chan struct{}) context.Context {
	return context.WithValue(ctx, stoppingKey{}, stopping)
}

// Stopping returns the channel of [WithStopping], nil if there is none. Handlers of long answers select on it.
func Stopping(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(stoppingKey{}).(<-chan struct{})
	return c
}
