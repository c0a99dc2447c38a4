package vault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/vault/internal/ledger"
)

// The kinds of requests.
const (
	RequestAccess  = "access"
	RequestErasure = "erasure"
)

// Request is what a person asked for about their data, and what became of it. It says nothing of who they are.
type Request struct {
	ID   string
	Kind string
	// Case is the number of the request in the office's register.
	Case string
	// Actor is the principal who took it.
	Actor string
	// ReceivedAt is when the person asked, TakenAt when it was registered.
	ReceivedAt, TakenAt time.Time
	// Cause names the idempotency key of the call that registered it, Said that key together with what the call said.
	Cause, Said string
	// AnswerBy and DoneBy are the deadlines, by LegalBasis.
	AnswerBy, DoneBy time.Time
	LegalBasis       string
	// AnsweredAt, AnsweredBy and Outcome are set when it was answered: reported, erased, kept or nothing_found.
	AnsweredAt time.Time
	AnsweredBy string
	Outcome    string
	// Erased and Kept count rows; RefsSHA256 is the digest of the erased references, sorted, one per line.
	Erased, Kept int
	RefsSHA256   string
}

// The outcomes of a request.
const (
	OutcomeReported = "reported"
	OutcomeErased   = "erased"
	OutcomeKept     = "kept"
	OutcomeNothing  = "nothing_found"
)

var (
	// ErrNoRequest says that there is no such request.
	ErrNoRequest = errors.New("no such request")
	// ErrAnswered says that the request was answered before.
	ErrAnswered = errors.New("the request was answered before")
	// ErrOtherCall says that the call's key registered this case, and said something else then.
	ErrOtherCall = errors.New("the key was used for another call")
	// ErrCaseUsed says that the case is about somebody else, or was answered: nobody knows any more whom it was about.
	ErrCaseUsed = errors.New("the case is about somebody else, or was answered")
)

const requestColumns = `id::text, kind, case_ref, actor, received_at, taken_at, cause, said, answer_by, done_by, legal_basis,
       answered_at, coalesce(answered_by, ''), coalesce(outcome, ''), erased, kept, refs_sha256`

func scanRequest(row pgx.CollectableRow) (r Request, err error) {
	var answered *time.Time
	err = row.Scan(&r.ID, &r.Kind, &r.Case, &r.Actor, &r.ReceivedAt, &r.TakenAt, &r.Cause, &r.Said, &r.AnswerBy, &r.DoneBy, &r.LegalBasis,
		&answered, &r.AnsweredBy, &r.Outcome, &r.Erased, &r.Kept, &r.RefsSHA256)
	if answered != nil {
		r.AnsweredAt = *answered
	}
	return r, err
}

// Receive writes a request into the register. The person is kept as a blind index of the document's number, so that they are
// found when the request is answered, and no longer than that. The same request again is the one that is there, as long as it
// is open. The same call again gets the request as it was taken, for ever, and replayed says so.
func (v *Vault) Receive(ctx context.Context, r Request, document string) (taken Request, replayed bool, err error) {
	index, err := v.keys.Index.Document(document)
	if r.Kind != RequestAccess && r.Kind != RequestErasure || index == nil || r.LegalBasis == "" || r.AnswerBy.IsZero() || r.DoneBy.IsZero() ||
		r.TakenAt.IsZero() || r.Cause == "" || r.Said == "" {
		err = errors.Join(err, errors.New("a request has a kind, a document, deadlines, a legal basis, a time and a cause"))
	}
	if err = errors.Join(err, ledger.CheckID("actor", r.Actor), ledger.CheckID("case", r.Case)); err != nil {
		return Request{}, false, fmt.Errorf("receive request: %w", err)
	}
	id, err := newRef(r.ReceivedAt)
	if err != nil {
		return Request{}, false, fmt.Errorf("receive request: %w", err)
	}
	const insert = `
insert into vault_requests (id, kind, case_ref, document_index, actor, received_at, answer_by, done_by, legal_basis, taken_at, cause, said)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (kind, case_ref) do nothing`
	done, err := v.pool.Exec(ctx, insert, string(id), r.Kind, r.Case, index, r.Actor, r.ReceivedAt, r.AnswerBy, r.DoneBy, r.LegalBasis,
		r.TakenAt, r.Cause, r.Said)
	if err != nil {
		return Request{}, false, fmt.Errorf("receive request: %w", err)
	}
	taken, err = v.request(ctx, v.pool, `kind = $1 and case_ref = $2 and (document_index = $3 or cause = $4)`, r.Kind, r.Case, index, r.Cause)
	switch {
	case errors.Is(err, ErrNoRequest):
		return Request{}, false, ErrCaseUsed
	case err != nil || taken.Cause != r.Cause:
		return taken, false, err
	case taken.Said != r.Said:
		return Request{}, false, ErrOtherCall
	default:
		return taken.unanswered(), done.RowsAffected() == 0, nil
	}
}

// unanswered is a request as it was taken.
func (r Request) unanswered() Request {
	r.AnsweredAt, r.AnsweredBy, r.Outcome, r.Erased, r.Kept, r.RefsSHA256 = time.Time{}, "", "", 0, 0, ""
	return r
}

// asker is a pool or a transaction.
type asker interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func (v *Vault) request(ctx context.Context, db asker, where string, args ...any) (Request, error) {
	rows, err := db.Query(ctx, `select `+requestColumns+` from vault_requests where `+where, args...)
	if err != nil {
		return Request{}, fmt.Errorf("find request: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanRequest)
	if errors.Is(err, pgx.ErrNoRows) {
		return Request{}, ErrNoRequest
	}
	if err != nil {
		return Request{}, fmt.Errorf("find request: %w", err)
	}
	return r, nil
}

// Requests lists requests after an id, open or answered, the oldest first.
func (v *Vault) Requests(ctx context.Context, answered bool, after string, limit int) ([]Request, error) {
	const query = `select ` + requestColumns + `
  from vault_requests
 where (answered_at is not null) = $1 and id > coalesce(nullif($2, ''), '00000000-0000-0000-0000-000000000000')::uuid
 order by id
 limit $3`
	rows, err := v.pool.Query(ctx, query, answered, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list requests: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanRequest)
	if err != nil {
		return nil, fmt.Errorf("list requests: %w", err)
	}
	return all, nil
}

// Holding is what is kept of a person, without what it says.
type Holding struct {
	Ref     Ref    `json:"ref"`
	Purpose string `json:"purpose"`
	// Since is when it was written.
	Since time.Time `json:"since"`
	// Held is why it may not be erased for now; empty when nothing forbids it.
	Held string `json:"held,omitempty"`
}

// Answer is what a person is told.
type Answer struct {
	Request
	// Holdings are what is kept; after an erasure, what still is.
	Holdings []Holding
	// Contents are what they say, for a request for access.
	Contents Contents
	// Erased are the references that are gone.
	Erased []Ref
	// Readings say who read them, for a request for access.
	Readings []Disclosure
}

// Answering is how a service answers requests. What it leaves out is not done.
type Answering struct {
	// Keep says which purposes the law keeps whatever the person asks for; without it nothing is erased.
	Keep func(purpose string) bool
	// Also names rows of this vault that are about the person and bear no document, by those that do.
	Also func(ctx context.Context, refs []Ref) ([]Ref, error)
	// Elsewhere is where other services are asked what they keep. If it errs, the request stays open and nothing is erased.
	Elsewhere func(ctx context.Context, r Request, refs []Ref) error
}

// Reply answers a request, once. An erasure takes everything that no law keeps and that is neither on hold nor needed; the proof
// is the request itself, with the digest of the references, and the erasure ledger. What is read for a request for access is
// recorded.
func (v *Vault) Reply(ctx context.Context, id, actor string, how Answering) (Answer, error) {
	if _, err := Ref(id).month(); err != nil {
		return Answer{}, ErrNoRequest
	}
	if err := ledger.CheckID("actor", actor); err != nil {
		return Answer{}, fmt.Errorf("reply: %w", err)
	}
	var answer Answer
	err := pgx.BeginFunc(ctx, v.pool, func(tx pgx.Tx) (err error) {
		if answer, err = v.holdings(ctx, tx, id, actor); err != nil {
			return err
		}
		answer.Outcome, answer.AnsweredBy, answer.AnsweredAt = OutcomeReported, actor, v.now()
		if err := v.lookFurther(ctx, tx, &answer, how); err != nil {
			return err
		}
		switch {
		case len(answer.Holdings) == 0:
			answer.Outcome = OutcomeNothing
		case answer.Kind == RequestErasure:
			err = v.eraseHoldings(ctx, tx, &answer, how.Keep)
		default:
			err = v.tellHoldings(ctx, tx, &answer)
		}
		if err != nil {
			return err
		}
		return v.close(ctx, tx, answer)
	})
	if err != nil {
		return Answer{}, fmt.Errorf("reply: %w", err)
	}
	v.log.Info("request answered", zap.String("request", id), zap.String("kind", answer.Kind), zap.String("outcome", answer.Outcome))
	return answer, nil
}

// lookFurther adds what the document alone does not find, here and in other services.
func (v *Vault) lookFurther(ctx context.Context, tx pgx.Tx, a *Answer, how Answering) error {
	refs := refsOf(a.Holdings)
	if how.Also != nil && len(refs) > 0 {
		more, err := how.Also(ctx, refs)
		if err != nil {
			return fmt.Errorf("look for what else is kept: %w", err)
		}
		more = slices.DeleteFunc(more, func(r Ref) bool { return slices.Contains(refs, r) })
		also, err := v.holdingsOf(ctx, tx, more)
		if err != nil {
			return err
		}
		a.Holdings = append(a.Holdings, also...)
	}
	if how.Elsewhere != nil && len(refs) > 0 {
		if err := how.Elsewhere(ctx, a.Request, refs); err != nil {
			return fmt.Errorf("ask what others keep: %w", err)
		}
	}
	return nil
}

func refsOf(holdings []Holding) []Ref {
	refs := make([]Ref, len(holdings))
	for i, h := range holdings {
		refs[i] = h.Ref
	}
	return refs
}

// tellHoldings reads what is kept, and who read it, that included.
func (v *Vault) tellHoldings(ctx context.Context, tx pgx.Tx, a *Answer) (err error) {
	why := Reading{Actor: a.AnsweredBy, Purpose: a.Kind + "_request", Case: a.Case}
	a.Contents, a.Readings, err = v.tell(ctx, tx, why, refsOf(a.Holdings))
	return err
}

// holdings takes an open request and finds what is kept of the person. The search is recorded, as every other. Holds that
// are being placed meanwhile wait.
func (v *Vault) holdings(ctx context.Context, tx pgx.Tx, id, actor string) (a Answer, err error) {
	if a.Request, err = v.request(ctx, tx, `id = $1::uuid for update`, id); err != nil {
		return a, err
	}
	if !a.AnsweredAt.IsZero() {
		return a, ErrAnswered
	}
	if _, err := tx.Exec(ctx, `lock table vault_holds in share mode`); err != nil {
		return a, fmt.Errorf("look for holds: %w", err)
	}
	a.Holdings, err = v.findHoldings(ctx, tx, a.Request, actor)
	return a, err
}

func (v *Vault) findHoldings(ctx context.Context, tx pgx.Tx, r Request, actor string) ([]Holding, error) {
	const query = `
with found as (
    select v.ref, v.purpose
      from vault v
     where v.document_index = (select document_index from vault_requests where id = $6::uuid) and ` + alive + `
), recorded as (
    insert into vault_readings (at, kind, actor, purpose, case_ref, refs)
    select $1, $2, $3, $4, $5, coalesce((select array_agg(ref) from found), '{}')
)
select f.ref::text, f.purpose,
       coalesce((select string_agg(h.reason, ', ' order by h.reason) from vault_holds h where h.ref = f.ref and h.until > $1), '')
  from found f
 order by f.ref`
	rows, err := tx.Query(ctx, query, v.now(), "document", actor, r.Kind+"_request", r.Case, r.ID)
	if err != nil {
		return nil, fmt.Errorf("find what is kept: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanHolding)
	if err != nil {
		return nil, fmt.Errorf("find what is kept: %w", err)
	}
	return all, nil
}

// KeptByLaw is why a row stays for which no hold is needed.
const KeptByLaw = "kept_by_law"

// ofNeeded is why a remark stays, which nobody asks about: it belongs to somebody who is needed.
func ofNeeded(h Holding, needed map[Ref]string) string {
	if h.Purpose != NotePurpose || len(needed) == 0 {
		return needed[h.Ref]
	}
	return slices.Min(slices.Collect(maps.Values(needed)))
}

// why says what forbids the erasure of a row; empty when nothing does.
func why(h Holding, needed string, keep func(purpose string) bool) string {
	switch {
	case needed != "" && h.Held != "":
		return h.Held + ", " + needed
	case needed != "" || h.Held != "":
		return h.Held + needed
	case keep == nil || keep(h.Purpose):
		return KeptByLaw
	default:
		return ""
	}
}

func (v *Vault) eraseHoldings(ctx context.Context, tx pgx.Tx, a *Answer, keep func(string) bool) error {
	needed, err := v.askNeeded(ctx, refsOf(a.Holdings)) // while nothing is answered: if nobody can say, the request stays open
	if err != nil {
		return err
	}
	var entries []ledger.Entry
	kept := []Holding{}
	for _, h := range a.Holdings {
		h.Held = why(h, ofNeeded(h, needed), keep)
		if h.Held != "" {
			kept = append(kept, h)
			continue
		}
		a.Erased = append(a.Erased, h.Ref)
		entries = append(entries, ledger.Entry{Ref: string(h.Ref), At: a.AnsweredAt, Actor: a.AnsweredBy, Reason: "subject_request"})
	}
	a.Holdings, a.Kept, a.Request.Erased = kept, len(kept), len(entries)
	if len(entries) == 0 {
		a.Outcome = OutcomeKept
		return nil
	}
	a.Outcome, a.RefsSHA256 = OutcomeErased, digest(a.Erased)
	if _, err := eraseRows(ctx, tx, entries); err != nil {
		return err
	}
	return ledger.Append(v.ledger, entries)
}

// close notes what became of a request, and forgets who asked: whoever was erased is not found in the register either.
func (v *Vault) close(ctx context.Context, tx pgx.Tx, a Answer) error {
	const update = `
update vault_requests
   set answered_at = $2, answered_by = $3, outcome = $4, erased = $5, kept = $6, refs_sha256 = $7, document_index = null
 where id = $1::uuid`
	_, err := tx.Exec(ctx, update, a.ID, a.AnsweredAt, a.AnsweredBy, a.Outcome, a.Request.Erased, a.Kept, a.RefsSHA256)
	if err != nil {
		return fmt.Errorf("close request: %w", err)
	}
	return nil
}
