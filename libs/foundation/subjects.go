package foundation

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/person"
)

// Subjects is how a service knows what it has of a person.
type Subjects struct {
	// Trail says where, by the rows that the person's document found.
	Trail func(ctx context.Context, found []vault.Ref) (subject.Trail, error)
	// Elsewhere asks other services, which cannot find a person by a document; nil where there are none.
	Elsewhere func(ctx context.Context, ask AskElsewhere, trail subject.Trail, facts []subject.Fact) ([]subject.Report, error)
}

// AskElsewhere is what other services are told of a request.
type AskElsewhere struct {
	// Kind is access or erasure; of an erasure, they say what stays and why.
	Kind, Case string
}

// AnswerPeople adds the routes by which an office answers people about their own data: what is kept, what it says, who read it,
// and its erasure. Services call it that can find a person by a document.
func (f *Foundation) AnswerPeople(api *httpapi.API, subjects Subjects) {
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /subject-requests", Summary: "Register what a person asks about their own data, with the deadlines of the law",
		Action: "operations.take_request", Status: http.StatusCreated,
	}, f.takeRequest, f.checkRequest)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /subject-requests", Summary: "Requests of people about their data, the oldest first", Action: "operations.list_requests",
	}, f.listRequests)
	httpapi.Ask(api, httpapi.Route{
		Pattern: "POST /subject-requests/{id}/reply", Summary: "Answer a request: report what is kept, what it says and who read it, or erase what no law keeps",
		Action: "operations.answer_request", Status: http.StatusOK,
	}, func(ctx context.Context, c httpapi.Call[struct{}]) (Reply, error) { return f.reply(ctx, c, subjects) })
}

// AskAboutMe is what a person asks for, as an officer takes it down. Who they are is kept as a keyed digest
// alone, until it is answered.
type AskAboutMe struct {
	Kind     string `json:"kind" enum:"access,erasure"`
	Case     string `json:"case" pattern:"^[!-~]{1,100}$" doc:"number of the request in the office's register" example:"2026/117"`
	Document string `json:"document" maxLength:"40" doc:"number of the person's document; it is not kept"`
	// ReceivedAt is when the person asked, where that was before it was entered.
	ReceivedAt time.Time `json:"received_at,omitzero"`
}

// Validate keeps the person out of the register.
func (a AskAboutMe) Validate(f *problem.Faults) {
	person.CheckNobody(f, "/case", a.Case)
	person.CheckSearched(f, "/document", a.Document)
}

// SubjectRequest is a request with its deadlines, and how it ended.
type SubjectRequest struct {
	ID         string    `json:"id"`
	Kind       string    `json:"kind" enum:"access,erasure"`
	Case       string    `json:"case"`
	TakenBy    string    `json:"taken_by"`
	ReceivedAt time.Time `json:"received_at"`
	AnswerBy   time.Time `json:"answer_by" doc:"the person has to have heard by then"`
	DoneBy     time.Time `json:"done_by"`
	LegalBasis string    `json:"legal_basis"`
	Unverified bool      `json:"unverified,omitzero" doc:"the deadline, or a holiday before it, was not compared with the text of the law"`
	Overdue    bool      `json:"overdue"`
	AnsweredAt time.Time `json:"answered_at,omitzero"`
	AnsweredBy string    `json:"answered_by,omitzero"`
	Outcome    string    `json:"outcome,omitzero" enum:"reported,erased,kept,nothing_found"`
	Erased     int       `json:"erased"`
	Kept       int       `json:"kept" doc:"rows that a law or a case keeps"`
	RefsSHA256 string    `json:"refs_sha256,omitzero" doc:"of the erased references, sorted, one per line; they stand in the erasure ledger"`
}

// Reply is what the person is told. Who answers reads it, which is recorded; it is for the person and for nobody else.
type Reply struct {
	SubjectRequest

	Holdings []subject.Holding `json:"holdings" doc:"what is kept and what it says; after an erasure, what still is, and why"`
	Refs     []vault.Ref       `json:"erased_refs"`
	Readings []subject.Reading `json:"readings" doc:"who read the person, when and why"`
	Facts    []subject.Fact    `json:"facts" doc:"what is recorded about the person"`
	Cut      bool              `json:"cut,omitzero" doc:"there are more facts than an answer holds"`
	// Elsewhere is what the services keep that this one asks.
	Elsewhere []subject.Report `json:"elsewhere"`
}

// receivedAt is when the person asked, and the deadline of that day.
func (f *Foundation) receivedAt(c httpapi.Call[AskAboutMe]) (time.Time, privacy.Deadline, error) {
	at := c.In.ReceivedAt
	if at.IsZero() {
		at = c.Meta.At
	}
	deadline, known := f.rules.Deadline(c.In.Kind, at)
	if !known && c.In.Kind != "" || at.After(c.Meta.At) {
		var faults problem.Faults
		faults.At("/received_at", problem.Fault{
			Code: "no_deadline", Message: "no law sets a deadline for this day", MessageVI: "không có quy định về thời hạn cho ngày này",
		})
		return at, deadline, faults.Err()
	}
	return at, deadline, nil
}

func (f *Foundation) checkRequest(_ context.Context, c httpapi.Call[AskAboutMe]) error {
	_, _, err := f.receivedAt(c)
	return err
}

func (f *Foundation) takeRequest(ctx context.Context, c httpapi.Call[AskAboutMe]) (done httpapi.Done[SubjectRequest], err error) {
	at, deadline, err := f.receivedAt(c)
	if err != nil {
		return done, err
	}
	r, replayed, err := f.Vault.Receive(ctx, vault.Request{
		Kind: c.In.Kind, Case: c.In.Case, Actor: c.Who.Actor(), ReceivedAt: at, TakenAt: c.Meta.At,
		AnswerBy: deadline.AnswerBy(at, f.calendar), DoneBy: deadline.DoneBy(at), LegalBasis: deadline.LegalBasis,
		Cause: c.Meta.Cause, Said: c.Name(c.Meta.Fingerprint), // a fingerprint alone could be found again by whoever knows the document
	}, person.DocumentIndex(c.In.Document))
	switch {
	case errors.Is(err, vault.ErrCaseUsed):
		return done, problem.New(problem.Conflict, "case_used", "this case is about somebody else, or was answered", "số hồ sơ này đã dùng cho người khác, hoặc đã được trả lời")
	case errors.Is(err, vault.ErrOtherCall):
		return done, eventstore.KeyReused()
	case err != nil:
		return done, err
	}
	asOf := c.Meta.At
	if replayed {
		asOf = r.TakenAt // the first answer again
	}
	return httpapi.Done[SubjectRequest]{Answer: f.viewRequest(r, asOf), Replayed: replayed}, nil
}

// ListSubjectRequests narrows the register.
type ListSubjectRequests struct {
	httpapi.Paging[string]

	Answered bool `query:"answered" doc:"those that were answered, instead of those that wait"`
}

func (f *Foundation) listRequests(ctx context.Context, c httpapi.Call[ListSubjectRequests]) (httpapi.Page[SubjectRequest], error) {
	after := ""
	if c.In.Cursor.At != nil {
		after = *c.In.Cursor.At
	}
	all, err := f.Vault.Requests(ctx, c.In.Answered, after, c.In.More())
	if err != nil {
		return httpapi.Page[SubjectRequest]{}, err
	}
	show := func(r vault.Request) SubjectRequest { return f.viewRequest(r, c.Meta.At) }
	return httpapi.PageOf(c.In.Paging, all, show, func(r vault.Request) string { return r.ID }), nil
}

// keeps says which purposes the law of the day keeps, whatever a person asks for.
func (f *Foundation) keeps(at time.Time) func(purpose string) bool {
	rules := f.rules.Of(f.options.Service, at)
	return func(purpose string) bool {
		for _, rule := range rules {
			if rule.Purpose == purpose {
				return rule.OnRequest == privacy.OnRequestKeep
			}
		}
		return true // nobody said that it may go
	}
}

// collector gathers what is not in the vault while a request is being answered.
type collector struct {
	*Foundation
	pass      policy.Pass
	subjects  Subjects
	trail     subject.Trail
	facts     []subject.Fact
	cut       bool
	elsewhere []subject.Report
}

func (c *collector) also(ctx context.Context, found []vault.Ref) (refs []vault.Ref, err error) {
	if c.trail, err = c.subjects.Trail(ctx, found); err != nil {
		return nil, err
	}
	if c.facts, c.cut, err = c.trail.Facts(ctx, c.Pool); err != nil {
		return nil, err
	}
	return c.trail.RowsOf(ctx, c.Vault, c.facts)
}

// ask asks the policies before others, and before anything is read: what people are read for may be forbidden.
func (c *collector) ask(ctx context.Context, r vault.Request, _ []vault.Ref) (err error) {
	if err := c.pass.For(r.Kind+"_request", r.Case); err != nil {
		return err //nolint:wrapcheck // a refusal is for the caller, as it is
	}
	if c.subjects.Elsewhere != nil {
		c.elsewhere, err = c.subjects.Elsewhere(ctx, AskElsewhere{Kind: r.Kind, Case: r.Case}, c.trail, c.facts)
	}
	return err
}

func (f *Foundation) reply(ctx context.Context, call httpapi.Call[struct{}], subjects Subjects) (Reply, error) {
	c := &collector{Foundation: f, pass: call.Pass, subjects: subjects, facts: []subject.Fact{}, elsewhere: []subject.Report{}}
	answer, err := f.Vault.Reply(ctx, call.Path("id"), call.Who.Actor(), vault.Answering{
		Keep: f.keeps(call.Meta.At), Also: c.also, Elsewhere: c.ask,
	})
	switch {
	case errors.Is(err, vault.ErrNoRequest):
		return Reply{}, problem.New(problem.NotFound, "request_unknown", "there is no such request", "không có yêu cầu này")
	case errors.Is(err, vault.ErrAnswered):
		return Reply{}, problem.New(problem.Conflict, "request_answered", "the request was answered", "yêu cầu đã được trả lời")
	case err != nil:
		return Reply{}, err
	}
	reply := Reply{
		SubjectRequest: f.viewRequest(answer.Request, call.Meta.At), Refs: append([]vault.Ref{}, answer.Erased...),
		Facts: c.facts, Cut: c.cut, Elsewhere: c.elsewhere,
	}
	if reply.Readings, err = c.trail.Readings(ctx, answer.Readings); err != nil {
		return Reply{}, err
	}
	reply.Holdings, err = c.trail.Show(answer.Holdings, answer.Contents)
	return reply, err
}

func (f *Foundation) viewRequest(r vault.Request, asOf time.Time) SubjectRequest {
	deadline, _ := f.rules.Deadline(r.Kind, r.ReceivedAt)
	waits := r.AnsweredAt.IsZero()
	return SubjectRequest{
		ID: r.ID, Kind: r.Kind, Case: r.Case, TakenBy: r.Actor, ReceivedAt: r.ReceivedAt, AnswerBy: r.AnswerBy, DoneBy: r.DoneBy,
		LegalBasis: r.LegalBasis, Unverified: !deadline.Verified || !f.calendar.Sure(vn.DateOf(r.ReceivedAt), vn.DateOf(r.AnswerBy).AddDays(-1)),
		Overdue:    waits && !asOf.Before(r.AnswerBy) || !waits && !r.AnsweredAt.Before(r.AnswerBy),
		AnsweredAt: r.AnsweredAt, AnsweredBy: r.AnsweredBy, Outcome: r.Outcome, Erased: r.Erased, Kept: r.Kept, RefsSHA256: r.RefsSHA256,
	}
}
