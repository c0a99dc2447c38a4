package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/services/simulators/bank/internal/ledger"
)

func at() time.Time { return time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC) }

func open(t *testing.T, dir string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func update(t *testing.T, l *ledger.Ledger, change func(*ledger.Tx)) {
	t.Helper()
	if err := l.Update(change); err != nil {
		t.Fatal(err)
	}
}

// fill makes an entry of every kind, in four batches.
func fill(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	update(t, l, func(tx *ledger.Tx) {
		tx.Pay(ledger.Payment{ID: "a", Digest: ledger.Digest{1}, Amount: 540_000, Account: "1", Status: "ACCC", Reference: "FT1", BookedAt: at()})
		tx.Pay(ledger.Payment{ID: "b", Amount: 810_000, Status: "RJCT", Reason: "MD07", BookedAt: at()})
		tx.At(1, 41)
		tx.At(2, 7) // what several partitions bring is one batch
	})
	update(t, l, func(tx *ledger.Tx) {
		tx.Again("a", false)
		tx.Again("a", true)
		tx.Again("nobody", false)
		tx.Open(ledger.Account{RequestID: "r1", Answer: "needs_information", Reason: "document_unreadable", Holder: "An"})
		tx.Open(ledger.Account{RequestID: "r1", Answer: "opened", Number: "1", Holder: "An", Reported: "AN", Biometric: true, State: "active"})
	})
	update(t, l, func(tx *ledger.Tx) {
		tx.Owe(ledger.Debt{Key: "0-1", ID: "a", At: at(), First: true})
		tx.Owe(ledger.Debt{Key: "return/a", ID: "a", At: at(), Payments: 9, Return: "AC04"})
		tx.Told("0-1")
		tx.Told("nothing")
		tx.Refuse("unknown")
	})
	update(t, l, func(tx *ledger.Tx) {
		tx.Return("a", "AC04", "FT1R", at())
		tx.SetState("1", "closed")
	})
}

// contents is everything that can be read.
type contents struct {
	Payments []ledger.Payment
	Accounts []ledger.Account
	Debts    []ledger.Debt
	Totals   ledger.Totals
	Handled  []bool
	Refused  []bool
}

func read(l *ledger.Ledger) (c contents) {
	l.View(func(v ledger.View) {
		c = contents{
			v.Payments(0, 100), v.Accounts(0, 100), slices.Collect(v.Debts()), v.Totals(),
			[]bool{v.Handled(0, 0), v.Handled(1, 41), v.Handled(1, 42), v.Handled(2, 7), v.Handled(2, 8)},
			[]bool{v.Refused("unknown"), v.Refused("a")},
		}
	})
	return c
}

// Before a line could note several partitions it noted one, under another name.
func TestALedgerFromBeforeIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const text = `{"at":{"p":1,"o":41},"do":[{"refuse":"unknown"}]}`
	line := fmt.Sprintf("%08x %s\n", crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli)), text)
	if err := os.WriteFile(filepath.Join(dir, "ledger.jsonl"), []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	got := read(open(t, dir))
	if want := []bool{false, true, false, false, false}; !slices.Equal(got.Handled, want) || !got.Refused[0] {
		t.Errorf("handled %v, refused %v", got.Handled, got.Refused)
	}
}

func TestWhatWasEnteredIsThereAfterTheNextStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	fill(t, l)
	want := contents{
		Payments: []ledger.Payment{
			{
				ID: "a", Digest: ledger.Digest{1}, Amount: 540_000, Account: "1", Status: "RTND", Reason: "AC04", Reference: "FT1",
				ReturnReference: "FT1R", BookedAt: at(), ReturnedAt: at(), Number: 1, Instructed: 3, Conflicts: 1,
			},
			{ID: "b", Amount: 810_000, Status: "RJCT", Reason: "MD07", BookedAt: at(), Number: 2, Instructed: 1},
		},
		Accounts: []ledger.Account{
			{RequestID: "r1", Answer: "opened", Number: "1", Holder: "An", Reported: "AN", Biometric: true, State: "closed"},
		},
		Debts: []ledger.Debt{{Key: "return/a", ID: "a", At: at(), Payments: 9, Return: "AC04"}},
		Totals: ledger.Totals{
			Payments: map[string]int64{"ACCC": 0, "RJCT": 1, "RTND": 1}, Amount: map[string]int64{"ACCC": 0, "RJCT": 810_000, "RTND": 540_000},
			Rejected: map[string]int64{"MD07": 1}, Instructed: 4, Repeated: 2, Conflicts: 1,
			Accounts: map[string]int64{"needs_information": 0, "opened": 1}, Owed: 1,
		},
		Handled: []bool{false, true, false, true, false}, Refused: []bool{true, false},
	}
	if diff := cmp.Diff(want, read(l)); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, read(open(t, dir))); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
}

func TestATornLastLineIsCutOffWhereverItIsTorn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	fill(t, l)
	before := read(l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "ledger.jsonl")
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	update(t, l, func(tx *ledger.Tx) { tx.Pay(ledger.Payment{ID: "c", Amount: 1, Status: "ACCC", Reference: "FT3"}) })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	longer, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for cut := len(whole); cut < len(longer); cut++ {
		for _, tail := range []string{"", "\x00\x00"} {
			if err := os.WriteFile(name, append(slices.Clone(longer[:cut]), tail...), 0o600); err != nil {
				t.Fatal(err)
			}
			l := open(t, dir)
			if diff := cmp.Diff(before, read(l)); diff != "" {
				t.Fatalf("cut at %d (-want +got):\n%s", cut, diff)
			}
			update(t, l, func(tx *ledger.Tx) { tx.Pay(ledger.Payment{ID: "d", Amount: 1, Status: "ACCC"}) })
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if l = open(t, dir); len(read(l).Payments) != 3 {
				t.Fatalf("cut at %d: what was entered afterwards is gone", cut)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestADamagedLineInTheMiddleIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	fill(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "ledger.jsonl")
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for what, damaged := range map[string][]byte{
		"an amount": bytes.Replace(whole, []byte("540000"), []byte("940000"), 1),
		"a line":    append([]byte("hello\n"), whole...),
		"a sum":     append([]byte("zzzzzzzz {}\n"), whole...),
	} {
		if err := os.WriteFile(name, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if l, err := ledger.Open(dir); err == nil || !strings.Contains(err.Error(), "line 1: the line is damaged") {
			t.Errorf("%s: %v, %v", what, l, err)
		}
		if left, err := os.ReadFile(name); err != nil || !bytes.Equal(left, damaged) {
			t.Errorf("%s: the file was changed (%v)", what, err)
		}
	}
}

func TestALedgerBelongsToOneProcessUntilItIsClosed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	if _, err := ledger.Open(dir); err == nil || !strings.Contains(err.Error(), "another process has it") {
		t.Errorf("opened twice: %v", err)
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Update(func(tx *ledger.Tx) { tx.At(0, 1) }); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a closed ledger answers %v", err)
	}
	open(t, dir)
}

func TestWhatIsNotThereCannotBeChanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	update(t, l, func(tx *ledger.Tx) {
		tx.Pay(ledger.Payment{ID: "b", Amount: 1, Status: "RJCT", Reason: "AC04"})
		if tx.Pay(ledger.Payment{ID: "b", Amount: 1, Status: "ACCC"}) || tx.Return("b", "AC04", "R", at()) ||
			tx.Return("nobody", "AC04", "R", at()) || tx.SetState("1", "closed") {
			t.Error("something was changed that is not there")
		}
	})
	info, err := os.Stat(filepath.Join(dir, "ledger.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	update(t, l, func(tx *ledger.Tx) { tx.Again("nobody", true) })
	if again, err := os.Stat(filepath.Join(dir, "ledger.jsonl")); err != nil || again.Size() != info.Size() {
		t.Errorf("nothing was entered, and the file has grown to %d (%v)", again.Size(), err)
	}
}

func TestAFolderThatCannotBeUsedIsSaidSo(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Open(file); err == nil {
		t.Error("a file is no folder")
	}
	var d ledger.Digest
	if err := d.UnmarshalText([]byte("00")); err == nil {
		t.Error("a short digest was read")
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a folder for temporary files
	l, err := ledger.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	pay := func(tx *ledger.Tx) {
		fmt.Println(tx.Pay(ledger.Payment{ID: "e2e-1", Amount: 540_000, Status: "ACCC", Reference: "FT1"}))
	}
	fmt.Println(l.Update(pay), l.Update(pay))
	// Output:
	// true
	// false
	// <nil> <nil>
}
