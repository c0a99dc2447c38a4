package clients

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Person is what a check needs to know of somebody. It is held for one check and never stored here.
type Person struct {
	FullName    string `json:"full_name"`
	BirthDate   string `json:"birth_date"`
	Sex         string `json:"sex"`
	Nationality string `json:"nationality"`
	Document    struct {
		Type   string `json:"type"`
		Number string `json:"number"`
	} `json:"document"`
}

const (
	// gather is how long a question waits for others to go with it: little beside the check itself.
	gather = 2 * time.Millisecond
	// together is how many people one call asks for, at most.
	together = 200
)

// People asks the accommodation service for the people behind references. Questions that come at the same time go in
// one call, because each call is one recorded reading there.
type People struct {
	endpoint endpoint

	mu      sync.Mutex
	waiting *call
}

// call is one question to the service, for everybody who joined it.
type call struct {
	refs   []string
	done   chan struct{}
	people map[string]answered
	err    error
}

// answered is what the service knows behind a reference.
type answered struct {
	Ref        string  `json:"ref"`
	Guest      *Person `json:"guest"`
	Unreadable bool    `json:"unreadable"`
}

// ErrUnreadablePerson says that the person's row does not open. Waiting does not mend that: an operator has to look.
var ErrUnreadablePerson = errors.New("the person's row in the vault does not open")

// NewPeople returns a client of the accommodation service.
func NewPeople(o Options) *People {
	return &People{endpoint: newEndpoint("/accommodation/v1/persons", o)}
}

// Person resolves a reference. It answers false when the person was erased.
func (p *People) Person(ctx context.Context, ref string) (Person, bool, error) {
	c, first := p.join(ref)
	if first {
		p.lead(ctx, c)
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		return Person{}, false, fmt.Errorf("resolve person: %w", ctx.Err())
	}
	if c.err != nil {
		return Person{}, false, fmt.Errorf("resolve person: %w", c.err)
	}
	switch found := c.people[ref]; {
	case found.Unreadable:
		return Person{}, false, fmt.Errorf("resolve person: %w", ErrUnreadablePerson)
	case found.Guest == nil:
		return Person{}, false, nil
	default:
		return *found.Guest, true, nil
	}
}

// join adds a reference to the call that is being gathered, or begins one.
func (p *People) join(ref string) (c *call, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == nil || len(p.waiting.refs) == together {
		p.waiting, first = &call{done: make(chan struct{})}, true
	}
	p.waiting.refs = append(p.waiting.refs, ref)
	return p.waiting, first
}

// lead gathers for a moment and asks for everybody. The call outlives its leader's context, since others wait for it
// too; the client's own time-out bounds it.
func (p *People) lead(ctx context.Context, c *call) {
	defer close(c.done)
	timer := time.NewTimer(gather)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	p.mu.Lock()
	if p.waiting == c {
		p.waiting = nil
	}
	p.mu.Unlock()
	c.people, c.err = p.ask(context.WithoutCancel(ctx), c.refs)
}

// ask resolves references in one call. The case is the oldest of the references: the reading lists all of them.
func (p *People) ask(ctx context.Context, refs []string) (map[string]answered, error) {
	type found struct {
		Items []answered `json:"items"`
	}
	answer, err := post[found](ctx, p.endpoint, map[string]any{
		"refs": refs, "purpose": "identity_check", "case": "check-" + refs[0],
	})
	if err != nil {
		return nil, err
	}
	people := make(map[string]answered, len(answer.Items))
	for _, item := range answer.Items {
		people[item.Ref] = item
	}
	return people, nil
}
