// Package desk decides about a bank's instructions: what is booked, what is reported, and how wrongly. It knows the ledger
// and no Kafka.
//
//  1. A batch of records becomes one change of the ledger. Its answers may be sent when that is on disk, and not before.
//  2. What is not answered at once is a debt in the ledger, so that a crash does not forget it.
//  3. Every decision follows from the seed, an id and the scenario: dice with a series of their own for each question.
//  4. Scenarios change what is said. They change what is booked in one way only: by rejecting.
package desk

import (
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"time"

	json "github.com/go-json-experiment/json/v1" // reads as encoding/json does, in less than half of the time

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/simulators/bank/internal/ledger"
	"github.com/songan-vn/songan/services/simulators/internal/dice"
)

// Desk decides about instructions. It knows the ledger and no Kafka.
type Desk struct {
	BIC    string
	Seed   uint64
	Ledger *ledger.Ledger
	Stage  *Stage
	Now    func() time.Time
}

// A desk's dice have a series each for what they decide about, so that one scenario does not shift another.
const (
	diceReject = iota + 1
	diceManner
	diceLatency
	diceReturn
	diceAccount
	diceGarbage
	diceNumber
)

func (d *Desk) dice(about uint64, id string) *dice.Dice {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(id)) // never fails, says its documentation
	return dice.New(d.Seed, about, hash.Sum64())
}

// errand is the handling of one batch: its records in order, one change of the ledger, and the answers.
type errand struct {
	*Desk
	tx       *ledger.Tx
	scenario Scenario
	now      time.Time
	answers  []Outgoing
	debts    []ledger.Debt
	skipped  int // records that could not be read
}

// Handled is what came out of a batch.
type Handled struct {
	// Answers are to be sent now, Debts later.
	Answers []Outgoing
	Debts   []ledger.Debt
	// Skipped counts records that could not be read.
	Skipped int
}

// Handle decides about records, those of one partition in order and together. When it returns without an error, everything it
// decided is on disk, and the answers may be sent.
func (d *Desk) Handle(batch []Received) (Handled, error) {
	scenario, _, _ := d.Stage.Get()
	e := errand{Desk: d, scenario: scenario, now: d.Now().UTC().Truncate(time.Millisecond)}
	err := d.Ledger.Update(func(tx *ledger.Tx) {
		e.tx = tx
		for i, m := range batch {
			e.answer(m)
			if i+1 == len(batch) || batch[i+1].Partition != m.Partition {
				tx.At(m.Partition, m.Offset)
			}
		}
	})
	return Handled{e.answers, e.debts, e.skipped}, err
}

// answer handles one record. What cannot be read is skipped: there is nobody to report it to.
func (e *errand) answer(m Received) {
	cause := strconv.Itoa(m.Partition) + "-" + strconv.FormatInt(m.Offset, 10)
	understood := false
	switch m.Kind {
	case typeInstructed:
		understood = about(m, func(i instruction) string { return i.EndToEndID }, func(i instruction) { e.instructed(i, m, cause) })
	case typeInquiry:
		understood = about(m, reference.id, func(r reference) { e.inquired(r, cause) })
	case typeRecall:
		understood = about(m, reference.id, func(r reference) { e.recalled(r, cause) })
	case typeOpening:
		understood = about(m, func(o opening) string { return o.RequestID }, func(o opening) { e.opening(o, cause) })
	case typeVerifying:
		understood = about(m, func(v verifying) string { return v.RequestID }, func(v verifying) { e.verifying(v, cause) })
	default: // a newer contract has messages that this bank does not know
	}
	if !understood {
		e.skipped++
	}
}

// about reads a body and acts on it. It returns false for one that is no JSON of that shape, or about nothing.
func about[M any](m Received, id func(M) string, act func(M)) bool {
	var body M
	if err := json.Unmarshal(m.Body, &body); err != nil || id(body) == "" {
		return false
	}
	act(body)
	return true
}

// say answers at once, or later if the scenario is slow: then the debt is on disk with everything else, and what is said
// then is looked up in the ledger.
func (e *errand) say(debt ledger.Debt, answers ...Outgoing) {
	if len(answers) == 0 {
		return
	}
	if wait := e.scenario.Latency.Draw(e.dice(diceLatency, debt.ID+debt.Key)); wait > 0 {
		debt.At = e.now.Add(wait)
		e.owe(debt)
		return
	}
	e.sayNow(debt.Key, answers...)
}

func (e *errand) sayNow(cause string, answers ...Outgoing) {
	e.answers = append(e.answers, named(e.BIC, cause, answers)...)
}

func (e *errand) owe(debt ledger.Debt) {
	e.tx.Owe(debt)
	e.debts = append(e.debts, debt)
}

// manner is how this payment is reported; it follows from its id and the scenario alone.
func (d *Desk) manner(id string, s Scenario) Manner {
	if s.Silent {
		return Mute
	}
	return draw(d.dice(diceManner, id), s.Manner, Manners())
}

func (e *errand) instructed(i instruction, m Received, cause string) {
	known, found := e.tx.View().Payment(i.EndToEndID)
	if found {
		e.repeated(known, i, m, cause)
		return
	}
	p := e.decide(i)
	e.tx.Pay(p)
	e.say(ledger.Debt{Key: cause, ID: p.ID, First: true}, e.reports(p, e.manner(p.ID, e.scenario), e.scenario)...)
	back := e.scenario.Returns
	if p.Status == credited && int(e.dice(diceReturn, p.ID).Below(perMille)) < back.PerMille {
		e.owe(ledger.Debt{
			Key: returning + p.ID, ID: p.ID, At: e.now, Payments: e.tx.View().Decided() + back.After, Return: orReason(back.Reason),
		})
	}
}

// repeated answers an instruction under a known id: with the status that there is, or DUPL if it is another payment. The
// same record again, after a crash, is not counted.
func (e *errand) repeated(p ledger.Payment, i instruction, m Received, cause string) {
	conflict := p.Digest != i.digest()
	if !e.tx.View().Handled(m.Partition, m.Offset) {
		e.tx.Again(p.ID, conflict)
	}
	switch {
	case e.manner(p.ID, e.scenario) == Mute:
	case conflict:
		// Not through say: what is owed later is looked up in the ledger, and this does not stand there.
		e.sayNow(cause, status(Report{EndToEndID: p.ID, Status: rejected, Reason: "DUPL"}))
	default:
		e.say(ledger.Debt{Key: cause, ID: p.ID}, told(p, 0)...)
	}
}

// decide books a payment or rejects it.
func (e *errand) decide(i instruction) ledger.Payment {
	p := ledger.Payment{ID: i.EndToEndID, Digest: i.digest(), Amount: i.Amount, Account: i.CreditorAccount, BookedAt: e.now}
	p.Reason = e.objection(i)
	if p.Reason != "" {
		p.Status = rejected
		return p
	}
	p.Status, p.Reference = credited, "FT"+strconv.FormatInt(e.tx.View().Decided()+1, 10)
	return p
}

// objection is the reason to reject a payment, or nothing.
func (e *errand) objection(i instruction) string {
	if len(i.EndToEndID) > longestID || i.Amount <= 0 || i.CreditorAccount == "" || e.tx.View().Refused(i.EndToEndID) {
		return "NARR"
	}
	if reason := draw(e.dice(diceReject, i.EndToEndID), e.scenario.Reject, sortedKeys(e.scenario.Reject)); reason != "" {
		return reason
	}
	a, held := e.tx.View().Number(i.CreditorAccount)
	switch {
	case held && a.State != stateActive && a.State != stateDormant:
		return reasonOf(a.State)
	case e.scenario.AnyAccount:
		return ""
	case !held && !e.issued(i.CreditorAccount):
		return "AC01"
	case held && !called(a.Holder, i.CreditorName) && !called(a.Reported, i.CreditorName):
		return "BE01"
	}
	return ""
}

// called compares names as banks do: capitals and accents do not matter.
func called(a, b string) bool { return vn.CompareNames(a, b) != vn.OtherName }

func sortedKeys(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }

// inquired says what became of an instruction. Who asks for an id that is not known hears RJCT and NARR.
func (e *errand) inquired(r reference, cause string) {
	p, found := e.tx.View().Payment(r.EndToEndID)
	switch {
	case e.manner(r.EndToEndID, e.scenario) == Mute:
	case !found:
		e.unknown(r, cause)
	default:
		e.say(ledger.Debt{Key: cause, ID: p.ID, Inquiry: r.Inquiry}, told(p, r.Inquiry)...)
	}
}

// recalled gives the money back, unless it is not there or the scenario keeps it; then it says what there is.
func (e *errand) recalled(r reference, cause string) {
	_, found := e.tx.View().Payment(r.EndToEndID)
	if !e.scenario.RefuseRecalls {
		e.tx.Return(r.EndToEndID, orReason(r.Reason), returnReference(r.EndToEndID, e.tx.View()), e.now)
	}
	p, _ := e.tx.View().Payment(r.EndToEndID)
	switch {
	case e.manner(r.EndToEndID, e.scenario) == Mute:
	case !found:
		e.unknown(reference{EndToEndID: r.EndToEndID}, cause)
	default:
		e.say(ledger.Debt{Key: cause, ID: p.ID}, told(p, 0)...)
	}
}

// unknown says that there is no such payment, and that there never will be: whoever asked may pay in another way.
func (e *errand) unknown(r reference, cause string) {
	e.tx.Refuse(r.EndToEndID)
	e.sayNow(cause, status(Report{EndToEndID: r.EndToEndID, Status: rejected, Reason: "NARR", Inquiry: r.Inquiry}))
}

// returning begins the key of a return that falls due.
const returning = "return/"

func orReason(reason string) string {
	if reason == "" {
		return "AC04"
	}
	return reason
}

// returnReference names the booking of a return after the one of the credit.
func returnReference(id string, v ledger.View) string {
	p, _ := v.Payment(id)
	return p.Reference + "R"
}
