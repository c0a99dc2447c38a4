package projections

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// Obsolete is a line of an approved list that must not be paid any more.
type Obsolete struct {
	Payroll string
	Payment string
	// Reason is as in disbursement.LineRemoved, whose comment lists them.
	Reason string
	Amount int64
}

// lapsed says why the rights that a line is made of no longer cover its month; null when they do. It looks only at rights
// that something happened to, which are few and have an index of their own: a province's list asks 120,000 times.
const lapsed = `
    (select min(case
        when e.stopped_from <> '' and l.month >= e.stopped_from and e.died then 'died'
        when e.stopped_from <> '' and l.month >= e.stopped_from then 'stopped'
        when exists (
          select from jsonb_array_elements(e.suspensions) as s
           where s->>'from' <= l.month and coalesce(s->>'resumed_from', '9999') > l.month) then 'suspended'
        end)
       from enrolments e
      where e.enrolment = any(l.enrolments) and (e.stopped_from <> '' or e.suspensions <> '[]'))`

const obsoleteOfPerson = `
select payroll, payment, reason, amount
  from (
    select l.payroll, l.payment, l.amount, ` + lapsed + ` as reason
      from lines l join payrolls p on p.payroll = l.payroll and p.draft = l.draft
     where l.mark = (select mark from enrolments where enrolment = $1)
       and p.status in ('approved', 'funded') and not l.held and l.removed = ''
  ) as found
 where reason is not null
 order by payroll, payment`

// ObsoleteOfPerson returns the lines of approved lists that a change of an enrolment ends.
func ObsoleteOfPerson(ctx context.Context, pool *pgxpool.Pool, enrolment string) ([]Obsolete, error) {
	rows, err := pool.Query(ctx, obsoleteOfPerson, enrolment)
	return collect[Obsolete](rows, err, "look for lines without a right")
}

const obsoleteOfAccount = `
select l.payroll, l.payment, 'account_changed', l.amount
  from lines l join payrolls p on p.payroll = l.payroll and p.draft = l.draft
 where l.mark in (select mark from enrolments where beneficiary = $1) and l.beneficiary = $1
   and l.method = 'account' and (l.account = $2) = $3
   and p.status in ('approved', 'funded') and not l.held and l.removed = ''
 order by l.payroll, l.payment`

// ObsoleteOfAccount returns the lines of approved lists that pay into an account of a beneficiary; or, when same is
// false, into any other one of theirs.
func ObsoleteOfAccount(ctx context.Context, pool *pgxpool.Pool, a Account) ([]Obsolete, error) {
	rows, err := pool.Query(ctx, obsoleteOfAccount, a.Beneficiary, a.Account, a.Same)
	return collect[Obsolete](rows, err, "look for lines of an account")
}

const ofReported = `
select l.payroll, l.payment, 'death_reported', l.amount
  from lines l join payrolls p on p.payroll = l.payroll and p.draft = l.draft
 where l.mark = (select mark from beneficiaries where beneficiary = $1 and death_reported)
   and p.status in ('approved', 'funded') and not l.held and l.removed = ''
 order by l.payroll, l.payment`

const ofDead = `
select l.payroll, l.payment, 'account_changed', l.amount
  from beneficiaries b
  join lines l on l.mark = b.mark and l.method = 'account' and l.month <= left(b.died_on, 7)
  join payrolls p on p.payroll = l.payroll and p.draft = l.draft
 where b.beneficiary = $1 and b.died_on <> '' and p.status in ('approved', 'funded') and not l.held and l.removed = ''
 order by l.payroll, l.payment`

// ObsoleteOfDead returns the lines of approved lists for months up to the death that pay into any account of somebody who died: such
// money is paid in cash.
func ObsoleteOfDead(ctx context.Context, pool *pgxpool.Pool, beneficiary string) ([]Obsolete, error) {
	rows, err := pool.Query(ctx, ofDead, beneficiary)
	return collect[Obsolete](rows, err, "look for lines of somebody who died")
}

// UnsentOfDead returns the payments into any account of such a person that no bank was told of.
func UnsentOfDead(ctx context.Context, pool *pgxpool.Pool, beneficiary string) ([]Obsolete, error) {
	const query = `
select p.payroll, p.payment, 'account_changed', p.amount
  from beneficiaries b
  join beneficiaries f on f.mark = b.mark
  join payments p on p.beneficiary = f.beneficiary and p.month <= left(b.died_on, 7)
 where b.beneficiary = $1 and b.died_on <> '' and p.status in ('released', 'reissued')
 order by p.payment`
	rows, err := pool.Query(ctx, query, beneficiary)
	return collect[Obsolete](rows, err, "look for payments to somebody who died")
}

// ObsoleteOfReported returns the lines of approved lists for somebody whom a bank reported dead, as long as nobody has decided
// about it.
func ObsoleteOfReported(ctx context.Context, pool *pgxpool.Pool, beneficiary string) ([]Obsolete, error) {
	rows, err := pool.Query(ctx, ofReported, beneficiary)
	return collect[Obsolete](rows, err, "look for lines of somebody who is reported dead")
}

// PaymentsOfReported returns what nobody has yet of the money of such a person.
func PaymentsOfReported(ctx context.Context, pool *pgxpool.Pool, beneficiary string) ([]Obsolete, error) {
	const query = `
select payroll, payment, 'death_reported', amount
  from payments
 where beneficiary in (select f.beneficiary from beneficiaries b join beneficiaries f on f.mark = b.mark where b.beneficiary = $1 and b.death_reported)
   and status in ('released', 'reissued', 'cash_pending')
 order by payment`
	rows, err := pool.Query(ctx, query, beneficiary)
	return collect[Obsolete](rows, err, "look for payments of somebody who is reported dead")
}

const lapsedPayments = `
select payroll, payment, reason, amount
  from (
    select l.payroll, l.payment, l.amount, ` + lapsed + ` as reason
      from lines l
      join payrolls r on r.payroll = l.payroll and r.draft = l.draft
      join payments p on p.payment = l.payment and p.payroll = l.payroll
     where l.mark = (select mark from enrolments where enrolment = $1) and p.status in ('released', 'reissued', 'cash_pending')
  ) as found
 where reason is not null
 order by payroll, payment`

// LapsedPayments returns the payments that nobody has yet, and that a change of an enrolment ends.
func LapsedPayments(ctx context.Context, pool *pgxpool.Pool, enrolment string) ([]Obsolete, error) {
	rows, err := pool.Query(ctx, lapsedPayments, enrolment)
	return collect[Obsolete](rows, err, "look for payments without a right")
}

// UnsentPayments returns the payments into an account of a beneficiary that no bank was told of; or, when same is false, into
// any other one of theirs.
func UnsentPayments(ctx context.Context, pool *pgxpool.Pool, a Account) ([]Obsolete, error) {
	const query = `
select payroll, payment, 'account_changed', amount
  from payments where beneficiary = $1 and (account = $2) = $3 and status in ('released', 'reissued')
 order by payment`
	rows, err := pool.Query(ctx, query, a.Beneficiary, a.Account, a.Same)
	return collect[Obsolete](rows, err, "look for payments into an account")
}

const lapsedPayment = `
select payroll, payment, reason, amount
  from (
    select l.payroll, l.payment, l.amount, ` + lapsed + ` as reason
      from lines l join payrolls r on r.payroll = l.payroll and r.draft = l.draft
     where l.payment = $1 and l.payroll = $2
  ) as found
 where reason is not null`

// LapsedPayment says why the right behind a payment has ended; false when it has not.
func LapsedPayment(ctx context.Context, pool *pgxpool.Pool, payment, list string) (Obsolete, bool, error) {
	rows, err := pool.Query(ctx, lapsedPayment, payment, list)
	return one[Obsolete](rows, err, "look for the right behind a payment")
}

const backWithList = `
select p.payment, case
    when twin.payment is not null then 'already_paid'
    when d.died_on is not null and l.month > left(d.died_on, 7) or ` + lapsed + ` is not null then 'right_ended'
    when ` + restOn + `array[p.payment]` + isDoubted + ` then 'already_paid'
    else '' end, coalesce(twin.payment, '')
  from payments p
  join lines l on l.payment = p.payment and l.payroll = p.payroll
  join payrolls r on r.payroll = l.payroll and r.draft = l.draft
  left join (select mark, min(died_on) as died_on from beneficiaries where died_on <> '' group by mark) as d on d.mark = l.mark
  left join lateral (
    select q.payment from payments q
     where (p.reason = any($3) or p.recall = any($3))
       and q.beneficiary in (select beneficiary from beneficiaries where mark = p.mark) and q.mark = p.mark and q.month = p.month
       and q.programme <> p.programme and q.status in ('credited', 'cash_paid') and q.contested = '{}' and q.amount >= p.amount
     order by q.payment limit 1) as twin on true
 where p.payroll = $1 and (p.status in ('returned', 'recalled') or p.status = 'rejected' and p.from_list) and p.contested = '{}' and ($2 = '' or p.payment = $2)
 order by p.payment`

// Back is money that lies with a list; see [payment.Payment.Back].
type Back struct {
	Payment string
	// Reason says why nobody is owed it any more: right_ended or already_paid; empty when somebody is.
	Reason string
	// DuplicateOf is the other payment by which they have that month; empty if there is none, or nobody called this one a duplicate.
	DuplicateOf string
}

// BackWithList returns the money that lies with a list and that no bank has; or that of one payment, unless it is empty.
func BackWithList(ctx context.Context, pool *pgxpool.Pool, list, id string) ([]Back, error) {
	rows, err := pool.Query(ctx, backWithList, list, id, payment.Duplicates())
	return collect[Back](rows, err, "look for money that came back")
}

// Account names the lines that a change of an account concerns.
type Account struct {
	Beneficiary, Account string
	// Same is true for the lines that pay into it, false for those that pay into another one.
	Same bool
}

// Holds tells whether the change still holds: nothing is paid any more into what it concerns.
func (a Account) Holds(now Beneficiary) bool {
	if a.Same {
		return now.Account != a.Account || now.State != AccountOpen
	}
	return now.Account == a.Account
}

// theDead are the people of whom any file says that they died, or that a bank says so and nobody has decided about it.
const theDead = `select mark, min(nullif(died_on, '')) as died_on, bool_or(death_reported) as reported
        from beneficiaries where died_on <> '' or death_reported group by mark`

// why says why a line l must not be paid, by what is known of its file b, of the death of its person d, of its rights, and of the
// payments that it rests on. Who else uses the account is looked up line by line: to find all shared accounts once is quicker for a
// province, and keeps a list of one person waiting for a look at everybody.
const why = `coalesce(
        case when d.died_on is not null and l.month > left(d.died_on, 7) then 'died' end, ` + lapsed + `,
        case when d.reported then 'death_reported' end,
        case when l.method = 'account' and (d.died_on is not null or b.account is distinct from l.account or b.state <> 'open') then 'account_changed' end,
        case when l.method = 'account' and not (b.holder = any(b.representatives)) and exists (
          select from beneficiaries where account_mark = b.account_mark and mark <> l.mark and ` + usesAccount + `) then 'account_shared' end,
        case when (l.origin <> '' or l.instead_of <> '{}') and ` + restOn + `l.origin || l.instead_of` + isDoubted + ` then 'already_paid' end
      )`

const obsoleteOfList = `
select $1::text, payment, reason, amount
  from (
    select l.place, l.payment, l.amount, ` + why + ` as reason
      from lines l
      left join beneficiaries b on b.beneficiary = l.beneficiary
      left join (` + theDead + `) as d on d.mark = l.mark
     where l.payroll = $1 and l.draft = $2 and not l.held and l.removed = ''
   ) as found
 where reason is not null
 order by place`

// "offset 0" has each line looked up by itself. Joined in a way that looks cheap while statistics are young, each thousand of
// a province's list read the whole province: a third of all that its release took.
const obsoleteOfLines = `
select $1::text, payment, reason, amount
  from (
    select l.place, l.payment, l.amount, ` + why + ` as reason
      from unnest($3::text[]) as asked(payment)
     cross join lateral (select * from lines where lines.payment = asked.payment offset 0) as l
      left join lateral (select account, state, account_mark, holder, representatives from beneficiaries where beneficiary = l.beneficiary offset 0) as b on true
      left join lateral (select min(nullif(died_on, '')) as died_on, bool_or(death_reported) as reported from beneficiaries
                          where mark = l.mark and (died_on <> '' or death_reported) offset 0) as d on true
     where l.payroll = $1 and l.draft = $2 and not l.held and l.removed = ''
  ) as found
 where reason is not null
 order by place`

// ObsoleteOfList returns the lines of a list that must not be paid, by everything that is known now.
func ObsoleteOfList(ctx context.Context, pool *pgxpool.Pool, list string, draft int) ([]Obsolete, error) {
	rows, err := pool.Query(ctx, obsoleteOfList, list, draft)
	return collect[Obsolete](rows, err, "look for lines that must not be paid")
}

// Listed names some lines of a draft.
type Listed struct {
	Payroll  string
	Draft    int
	Payments []string
}

// ObsoleteOfLines returns those of some lines that must not be paid, by everything that is known now.
func ObsoleteOfLines(ctx context.Context, pool *pgxpool.Pool, l Listed) ([]Obsolete, error) {
	rows, err := pool.Query(ctx, obsoleteOfLines, l.Payroll, l.Draft, l.Payments)
	return collect[Obsolete](rows, err, "look for lines that must not be paid")
}

// Removals are what a list is told about its obsolete lines.
func Removals(found []Obsolete) []payroll.Removal {
	removals := make([]payroll.Removal, 0, len(found))
	for _, o := range found {
		removals = append(removals, payroll.Removal{Line: o.Payment, Reason: o.Reason, Amount: money.Amount(o.Amount)})
	}
	return removals
}
