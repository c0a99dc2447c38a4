// Package factor is people's own second factor: the code of an authenticator (RFC 6238), and recovery codes.
package factor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/access/signin/internal/seal"
	"github.com/songan-vn/songan/libs/problem"
)

const (
	recoveryCodes = 10
	recoveryBytes = 10 // 16 characters, in four groups
	recoveryGroup = 4
	freeTries     = 5
	firstWait     = 30 * time.Second
	longestWait   = time.Hour
	// fresh is how young a session has to be to get a first authenticator: a screen that was left open cannot.
	fresh = 10 * time.Minute
)

// Book holds people's factors. Their secrets are sealed.
type Book struct {
	pool    *pgxpool.Pool
	secrets seal.Secrets
	now     func() time.Time
}

// New returns the book of a database.
func New(pool *pgxpool.Pool, secrets seal.Secrets, now func() time.Time) *Book {
	return &Book{pool: pool, secrets: secrets, now: now}
}

// Asker is whose session asks for something: it was strong already, or not, and began then.
type Asker struct {
	Person string
	Strong bool
	Since  time.Time
}

// Enrolment is what an authenticator is set up with. It is shown once.
type Enrolment struct {
	URI    string `json:"uri"`
	Secret string `json:"secret"`
}

// Enrol makes a secret that has to be confirmed by a code before it counts. Who has an authenticator already shows a code of
// that one, or a recovery code, again: a session that was left open, or stolen, must not make itself at home.
func (b *Book) Enrol(ctx context.Context, n Asker, code string) (Enrolment, error) {
	secret, person := seal.Random(factorBytes), n.Person
	const insert = `
		insert into signin_factors (person, pending) values ($1, $2)
		on conflict (person) do update set pending = excluded.pending
		 where $3 or signin_factors.secret is null`
	young := b.now().Sub(n.Since) <= fresh
	if !n.Strong && !young {
		return Enrolment{}, signInAgain()
	}
	shown := n.Strong && code != ""
	if shown {
		if err := b.Verify(ctx, person, code); err != nil {
			return Enrolment{}, err
		}
	}
	done, err := b.pool.Exec(ctx, insert, person, b.secrets.Seal(factorUse(person), secret), shown)
	if err != nil {
		return Enrolment{}, fmt.Errorf("keep the new authenticator: %w", err)
	}
	if done.RowsAffected() == 0 {
		return Enrolment{}, Required() // there is one already: the new one needs its code first
	}
	return Enrolment{URI: otpauth(person, secret), Secret: base32Of(secret)}, nil
}

func factorUse(person string) string { return "factor " + person }

// factor is the row of a person's second factor.
type factor struct {
	secret, pending []byte
	last            int64
	failures        int
	next            *time.Time
}

// tried is what came of a try: what has to be written down whatever it was, and what the caller hears.
type tried struct {
	factor
	right   bool
	refusal error
}

// try locks a person's factor, lets do look at it, and keeps what it says, failures included.
func (b *Book) try(ctx context.Context, person string, do func(context.Context, pgx.Tx, factor) (tried, error)) error {
	var refusal error
	err := pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		var f factor
		const lock = `
			select coalesce(secret, ''), coalesce(pending, ''), last_step, failures, next_try
			  from signin_factors where person = $1 for update`
		err := tx.QueryRow(ctx, lock, person).Scan(&f.secret, &f.pending, &f.last, &f.failures, &f.next)
		if errors.Is(err, pgx.ErrNoRows) {
			refusal = notEnrolled()
			return nil
		}
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		result, err := do(ctx, tx, f)
		if err != nil {
			return err
		}
		refusal = result.refusal
		const keep = `
			update signin_factors set last_step = $2, failures = $3, next_try = $4 where person = $1`
		if _, err := tx.Exec(ctx, keep, person, result.last, result.failures, result.next); err != nil {
			return fmt.Errorf("keep: %w", err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("try a code: %w", err)
	}
	return refusal
}

// Verify takes the code of an authenticator, or a recovery code. Wrong ones make the next wait, ever longer; recovery
// codes do not wait, since nobody guesses one, so that nobody is locked out by what others try.
func (b *Book) Verify(ctx context.Context, person, code string) error {
	code = strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(code))
	return b.try(ctx, person, func(ctx context.Context, tx pgx.Tx, f factor) (tried, error) {
		if len(f.secret) == 0 {
			return tried{factor: f, refusal: notEnrolled()}, nil
		}
		if len(code) != digits {
			return b.tryRecovery(ctx, tx, person, code, f)
		}
		return b.tryCode(person, f.secret, code, f)
	})
}

// tryCode compares a code with a sealed secret.
func (b *Book) tryCode(person string, sealed []byte, code string, f factor) (tried, error) {
	now := b.now()
	if f.next != nil && now.Before(*f.next) {
		return tried{factor: f, refusal: waitForCode(f.next.Sub(now))}, nil
	}
	secret, err := b.secrets.Open(factorUse(person), sealed)
	if err != nil {
		return tried{}, fmt.Errorf("open the authenticator's secret: %w", err)
	}
	step, ok := stepOf(secret, code, f.last, now)
	if !ok {
		return b.failed(f), nil
	}
	f.last, f.failures, f.next = step, 0, nil
	return tried{factor: f, right: true}, nil
}

func (b *Book) tryRecovery(ctx context.Context, tx pgx.Tx, person, code string, f factor) (tried, error) {
	const use = `delete from signin_recovery_codes where person = $1 and hash = $2`
	done, err := tx.Exec(ctx, use, person, b.secrets.Recovery(person+" "+code))
	if err != nil {
		return tried{}, fmt.Errorf("use a recovery code: %w", err)
	}
	if done.RowsAffected() == 0 {
		return b.failed(f), nil
	}
	f.failures, f.next = 0, nil
	return tried{factor: f, right: true}, nil
}

// failed counts, and makes the next try wait: half a minute after the fifth, then twice as long each time.
func (b *Book) failed(f factor) tried {
	f.failures++
	if over := f.failures - freeTries; over >= 0 {
		const doublings = 7 // to more than the longest wait
		next := b.now().Add(min(longestWait, firstWait<<min(over, doublings)))
		f.next = &next
	}
	return tried{factor: f, refusal: wrongCode()}
}

// Confirm makes a pending authenticator the person's own, if the code is its, and returns new recovery codes.
func (b *Book) Confirm(ctx context.Context, n Asker, code string) (codes []string, err error) {
	person := n.Person
	err = b.try(ctx, person, func(ctx context.Context, tx pgx.Tx, f factor) (tried, error) {
		switch {
		case len(f.pending) == 0:
			return tried{factor: f, refusal: notEnrolled()}, nil
		case len(f.secret) > 0 && !n.Strong:
			return tried{factor: f, refusal: Required()}, nil
		}
		first := f
		first.last = 0 // which counts the codes of the authenticator before
		result, err := b.tryCode(person, f.pending, strings.ReplaceAll(code, " ", ""), first)
		if err != nil || !result.right {
			result.last = f.last
			return result, err
		}
		const take = `update signin_factors set secret = pending, pending = null, confirmed_at = $2 where person = $1`
		if _, err := tx.Exec(ctx, take, person, b.now()); err != nil {
			return tried{}, fmt.Errorf("take the new authenticator: %w", err)
		}
		codes, err = b.newRecovery(ctx, tx, person)
		return result, err
	})
	return codes, err
}

// newRecovery replaces a person's recovery codes.
func (b *Book) newRecovery(ctx context.Context, tx pgx.Tx, person string) ([]string, error) {
	codes, hashes := make([]string, recoveryCodes), make([][]byte, recoveryCodes)
	for i := range codes {
		plain := strings.ToLower(base32Of(seal.Random(recoveryBytes)))
		hashes[i] = b.secrets.Recovery(person + " " + plain)
		for at := 0; at < len(plain); at += recoveryGroup {
			codes[i] += plain[at:at+recoveryGroup] + "-"
		}
		codes[i] = strings.TrimSuffix(codes[i], "-")
	}
	if _, err := tx.Exec(ctx, `delete from signin_recovery_codes where person = $1`, person); err != nil {
		return nil, fmt.Errorf("drop old recovery codes: %w", err)
	}
	const insert = `insert into signin_recovery_codes (person, hash) select $1, unnest($2::bytea[])`
	if _, err := tx.Exec(ctx, insert, person, hashes); err != nil {
		return nil, fmt.Errorf("keep recovery codes: %w", err)
	}
	return codes, nil
}

// Enrolled tells whether a person has an authenticator here.
func (b *Book) Enrolled(ctx context.Context, person string) (bool, error) {
	var yes bool
	const ask = `select exists (select from signin_factors where person = $1 and secret is not null)`
	if err := b.pool.QueryRow(ctx, ask, person).Scan(&yes); err != nil {
		return false, fmt.Errorf("look for an authenticator: %w", err)
	}
	return yes, nil
}

// Reset takes a person's authenticator and recovery codes away.
func (b *Book) Reset(ctx context.Context, person string) error {
	if _, err := b.pool.Exec(ctx, `delete from signin_factors where person = $1`, person); err != nil {
		return fmt.Errorf("reset second factor: %w", err)
	}
	return nil
}

// Required is the answer to who handles money and has shown no second factor.
func Required() error {
	return problem.New(problem.Forbidden, "second_factor_required",
		"your role needs a second factor; confirm this session with the code of your authenticator",
		"vai trò của bạn cần xác thực hai bước; xin xác nhận phiên bằng mã của ứng dụng xác thực")
}

func notEnrolled() error {
	return problem.Reject("no_second_factor", "there is no authenticator for this account yet; set one up",
		"tài khoản chưa có ứng dụng xác thực; xin thiết lập")
}

func wrongCode() error {
	return problem.Reject("wrong_code", "the code is wrong, or was used", "mã xác thực không đúng hoặc đã được dùng")
}

func signInAgain() error {
	return problem.New(problem.Forbidden, "sign_in_again",
		"an authenticator is set up right after signing in; sign in again",
		"chỉ thiết lập ứng dụng xác thực ngay sau khi đăng nhập; xin đăng nhập lại")
}

func waitForCode(wait time.Duration) error {
	return &problem.Problem{
		Kind: problem.TooMany, Code: "too_many_codes", RetryAfter: wait,
		Detail:   "too many wrong codes; wait before the next one, or use a recovery code",
		DetailVI: "nhập sai mã quá nhiều lần; xin chờ, hoặc dùng mã khôi phục",
	}
}
