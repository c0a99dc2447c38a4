package payday

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/songan-vn/songan/services/simulators/people"
	"github.com/songan-vn/songan/services/songan/internal/demo/board"
	"github.com/songan-vn/songan/services/songan/internal/demo/client"
)

// accounts is where the routes of the accounts service begin.
const accounts = "/accounts/v1"

// batchSize is how many lines one request has.
const batchSize = 500

// key names a request of this payday.
func (p *play) key(format string, args ...any) string {
	return "payday-" + p.Name + "-" + fmt.Sprintf(format, args...)
}

// entry is a person as the contract wants them.
func entry(p people.Person) client.Object {
	body := client.Object{
		"full_name": p.FullName, "birth_date": p.BirthDate, "sex": p.Sex, "document": p.Document, "residence": p.Residence,
	}
	if p.Phone != "" {
		body["phone"] = p.Phone
	}
	return body
}

// register enters the people of a commune and waits until the population database was asked about all of them.
func (p *play) register(ctx context.Context, o *office) error {
	lines := make([]any, 0, len(o.people))
	for _, b := range o.people {
		line := client.Object{"person": entry(b.Person), "file_number": b.FileNumber, "unit": o.unit}
		if b.Representative != nil {
			line["representative"] = entry(*b.Representative)
		}
		lines = append(lines, line)
	}
	err := p.batch(ctx, client.Call{Path: accounts + "/beneficiaries/batch", Token: o.lisa, Key: p.key("register-%s", o.unit)}, "beneficiary", lines,
		func(i int, v client.Line) {
			var made struct {
				ID string `json:"id"`
			}
			if v.Problem != nil || json.Unmarshal(v.Answer, &made) != nil || made.ID == "" {
				p.journal.Differs("beneficiary %d was not registered: status %d %s", o.people[i].Number, v.Status, v.Problem)
				return
			}
			o.people[i].id, o.byID[made.ID] = made.ID, o.people[i]
			p.registered.Add(1)
		})
	if err != nil {
		return fmt.Errorf("send the people: %w", err)
	}
	return p.identify(ctx, o)
}

// batch sends lines in parts, each under a key that begins with that of the call, and tells done about each of them. A part
// of which a line met a server that was away is sent again, with the same key: what was accepted is answered as before.
func (p *play) batch(ctx context.Context, call client.Call, member string, lines []any, done func(i int, v client.Line)) error {
	key := call.Key
	for from := 0; from < len(lines); from += batchSize {
		part := lines[from:min(from+batchSize, len(lines))]
		call.Key = fmt.Sprintf("%s-%d", key, from)
		var verdicts []client.Line
		err := client.Until(ctx, fmt.Sprintf("lines from %d on", from), func(ctx context.Context) (_ bool, err error) {
			verdicts, err = p.API.Batch(ctx, call, member, part)
			return !slices.ContainsFunc(verdicts, client.Line.Away), err
		})
		if err != nil {
			return err
		}
		for i, v := range verdicts {
			done(from+i, v)
		}
	}
	return nil
}

// beneficiary is what is looked at in a beneficiary.
type beneficiary struct {
	ID       string `json:"id"`
	Identity string `json:"identity"`
	// Account is the latest one, or the request for it.
	Account *account `json:"account"`
}

// account is what is looked at in an account.
type account struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Reason string `json:"reason"`
}

// doubted tells whether an officer has to confirm the holder.
func (a account) doubted() bool { return a.Status == "needs_information" && a.Reason == "name_close" }

// watching is some people of an office who have to come to something, and the gauge on which they are counted.
type watching struct {
	people map[string]*person
	shown  *board.Gauge
	// done tells whether somebody is through.
	done func(*person, beneficiary) bool
}

// watch looks at people every now and then, until all of them are through.
func (p *play) watch(ctx context.Context, o *office, w watching) error {
	before := 0
	return client.Until(ctx, "accounts and checks", func(ctx context.Context) (bool, error) {
		listed, err := client.List[beneficiary](ctx, p.API, client.Call{
			Path: accounts + "/beneficiaries", Token: o.auditor,
		}, url.Values{"unit": {o.unit}})
		if err != nil {
			return false, fmt.Errorf("list beneficiaries: %w", err)
		}
		through := 0
		for _, b := range listed {
			if whose := w.people[b.ID]; whose != nil && w.done(whose, b) {
				through++
			}
		}
		w.shown.Add(int64(through - before))
		before = through
		return through == len(w.people), nil
	})
}

// identify waits for the checks and compares their results with the plan.
func (p *play) identify(ctx context.Context, o *office) error {
	results := map[*person]string{}
	err := p.watch(ctx, o, watching{o.byID, p.identified, func(whose *person, b beneficiary) bool {
		results[whose] = b.Identity
		return b.Identity != "pending"
	}})
	for whose, identity := range results {
		if identity != whose.Identity {
			p.journal.Differs("beneficiary %d: identity is %s instead of %s", whose.Number, identity, whose.Identity)
		}
	}
	return err
}

// mustRefuse does what has to be refused, and notes when it is not.
func (p *play) mustRefuse(ctx context.Context, what string, call client.Call, body any) error {
	_, err := p.API.Change(ctx, call, body, &struct{}{})
	refusal, refused := errors.AsType[*client.Refusal](err)
	switch {
	case refused && slices.Contains([]int{http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusConflict}, refusal.Status):
		p.journal.Refused()
	case refused:
		p.journal.Differs("%s: %s", what, refusal.Error())
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	default:
		p.journal.Differs("%s, and was not refused", what)
	}
	return nil
}
