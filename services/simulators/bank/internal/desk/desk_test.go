package desk

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/services/simulators/bank/internal/ledger"
)

// world is a topic of instructions and the bank that reads it, which may be killed at any byte.
type world struct {
	t     *rapid.T
	dir   string
	desk  *Desk
	topic []Received
	// next is where the bank reads on; after a crash it may be anywhere before, back to the start.
	next int
	said []Report
}

func (w *world) open() {
	book, err := ledger.Open(w.dir)
	if err != nil {
		w.t.Fatal(err)
	}
	now := func() time.Time { return time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC) }
	w.desk = &Desk{BIC: "TESTVNVX", Seed: 3, Ledger: book, Stage: NewStage(Scenario{AnyAccount: true, Acknowledge: AcknowledgeNever}, now), Now: now}
}

// handle lets the bank decide about the next n records, and report them if it lives that long.
func (w *world) handle(n int, reported bool) {
	batch := w.topic[w.next:min(w.next+n, len(w.topic))]
	done, err := w.desk.Handle(batch)
	if err != nil {
		w.t.Fatal(err)
	}
	w.next += len(batch)
	if !reported {
		return
	}
	for _, o := range done.Answers {
		var r Report
		if err := json.Unmarshal(o.body, &r); err != nil {
			w.t.Fatal(err)
		}
		w.said = append(w.said, r)
	}
}

// crash kills the bank while it writes its last batch, which was not reported: some of its bytes may be on disk.
func (w *world) crash(before int64, kept float64) {
	if err := w.desk.Ledger.Close(); err != nil {
		w.t.Fatal(err)
	}
	size := w.size()
	if err := os.Truncate(filepath.Join(w.dir, "ledger.jsonl"), before+int64(kept*float64(size-before))); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

func (w *world) size() int64 {
	info, err := os.Stat(filepath.Join(w.dir, "ledger.jsonl"))
	if err != nil {
		w.t.Fatal(err)
	}
	return info.Size()
}

// Histories of instructions that repeat, conflict, are read again from anywhere, with crashes in the middle of writing.
func TestNoHistoryPaysTwice(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	history := 0
	rapid.Check(t, func(t *rapid.T) {
		history++
		w := &world{t: t, dir: filepath.Join(root, fmt.Sprint(history))}
		for i := range rapid.IntRange(1, 30).Draw(t, "records") {
			id, amount := rapid.IntRange(0, 5).Draw(t, "id"), rapid.Int64Range(1, 3).Draw(t, "amount")
			body, _ := json.Marshal(instruction{EndToEndID: fmt.Sprint("e2e-", id), Amount: amount, CreditorAccount: "1"})
			w.topic = append(w.topic, Received{Offset: int64(i), Kind: typeInstructed, Body: body})
		}
		w.open()
		for range rapid.IntRange(0, 12).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0: // killed while writing, before anything was said
				before, committed := w.size(), w.next
				w.handle(rapid.IntRange(1, 10).Draw(t, "batch"), false)
				w.crash(before, rapid.Float64Range(0, 1).Draw(t, "kept"))
				w.next = rapid.IntRange(0, committed).Draw(t, "back to")
			case 1: // the offsets of the group are lost
				w.next = 0
			default:
				w.handle(rapid.IntRange(1, 10).Draw(t, "batch"), true)
			}
		}
		w.next = 0 // and in the end the whole topic once more
		for w.next < len(w.topic) {
			w.handle(7, true)
		}
		w.judge()
		if err := w.desk.Ledger.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// judge compares the ledger with the topic, and the reports with the ledger.
func (w *world) judge() {
	want := map[string]ledger.Payment{}
	for _, m := range w.topic {
		var i instruction
		if err := json.Unmarshal(m.Body, &i); err != nil {
			w.t.Fatal(err)
		}
		p, known := want[i.EndToEndID]
		if !known {
			p = ledger.Payment{ID: i.EndToEndID, Amount: i.Amount, Status: credited}
		}
		p.Instructed++
		if p.Amount != i.Amount {
			p.Conflicts++
		}
		want[i.EndToEndID] = p
	}
	got, references := map[string]ledger.Payment{}, map[string]string{}
	w.desk.Ledger.View(func(v ledger.View) {
		for _, p := range v.Payments(0, len(w.topic)) {
			if other, taken := references[p.Reference]; taken {
				w.t.Fatalf("%s and %s have one booking", p.ID, other)
			}
			references[p.Reference] = p.ID
			got[p.ID] = ledger.Payment{ID: p.ID, Amount: p.Amount, Status: p.Status, Instructed: p.Instructed, Conflicts: p.Conflicts}
		}
	})
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Fatalf("ledger (-want +got):\n%s", diff)
	}
	for _, r := range w.said {
		if r.Status == credited && (references[r.BankReference] != r.EndToEndID || r.Amount != want[r.EndToEndID].Amount) {
			w.t.Fatalf("it said %+v, which is not in the ledger", r)
		}
	}
}

func TestABankWhoseLedgerCannotBeWrittenPaysNothingMore(t *testing.T) {
	t.Parallel()
	book, err := ledger.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d := &Desk{BIC: "TESTVNVX", Ledger: book, Stage: NewStage(Scenario{AnyAccount: true}, time.Now), Now: time.Now}
	if err := book.Close(); err != nil {
		t.Fatal(err)
	}
	done, err := d.Handle([]Received{{Kind: typeInstructed, Body: []byte(`{"end_to_end_id":"1","amount":1,"creditor_account":"1"}`)}})
	if !errors.Is(err, os.ErrClosed) || len(done.Answers) > 0 {
		t.Errorf("it answered %v (%v)", done.Answers, err)
	}
}

func TestABatchOfSeveralPartitionsIsHandledInEach(t *testing.T) {
	t.Parallel()
	book, err := ledger.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	d := &Desk{BIC: "TESTVNVX", Ledger: book, Stage: NewStage(Scenario{AnyAccount: true}, time.Now), Now: time.Now}
	pay := func(id string, partition int, offset int64) Received {
		return Received{
			Kind: typeInstructed, Body: []byte(`{"end_to_end_id":"` + id + `","amount":1,"creditor_account":"1"}`), Partition: partition, Offset: offset,
		}
	}
	batch := []Received{pay("a", 3, 5), pay("b", 3, 6), pay("c", 0, 1)}
	for range 2 { // the second time as after a crash before the commit
		if _, err := d.Handle(batch); err != nil {
			t.Fatal(err)
		}
	}
	book.View(func(v ledger.View) {
		for partition, last := range map[int]int64{3: 6, 0: 1} {
			if !v.Handled(partition, last) || v.Handled(partition, last+1) {
				t.Errorf("partition %d is not handled up to %d", partition, last)
			}
		}
		if totals := v.Totals(); totals.Instructed != 3 || totals.Repeated != 0 {
			t.Errorf("%d instructed and %d repeated instead of 3 and 0", totals.Instructed, totals.Repeated)
		}
	})
}

func TestAccountNumbersFollowFromSeedAndRequestAndCheckThemselves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		book, err := ledger.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer book.Close()
		d := &Desk{Seed: rapid.Uint64().Draw(t, "seed"), Ledger: book, Stage: NewStage(Scenario{}, time.Now), Now: time.Now}
		request := rapid.String().Draw(t, "request")
		var first, second string
		err = book.Update(func(tx *ledger.Tx) {
			e := errand{Desk: d, tx: tx}
			first, second = e.number(request), e.number(request)
		})
		if err != nil || first != second || !d.issued(first) {
			t.Fatalf("%q and %q (%v)", first, second, err)
		}
		digits := []byte(first)
		at := rapid.IntRange(10, 11).Draw(t, "digit")
		digits[at] = '0' + (digits[at]-'0'+1)%10
		if d.issued(string(digits)) {
			t.Fatalf("%s has another check digit than %s and passes", digits, first)
		}
	})
}
