package vault_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/vault"
)

func (h *house) request(kind, of string) vault.Request {
	return vault.Request{
		Kind: kind, Case: of, Actor: "officer:desk", ReceivedAt: h.clock.Now(), TakenAt: h.clock.Now(), Cause: rand.Text(), Said: rand.Text(), AnswerBy: h.clock.Now().Add(48 * time.Hour),
		DoneBy: h.clock.Now().Add(20 * 24 * time.Hour), LegalBasis: "Luật 91/2025/QH15",
	}
}

func (h *house) receive(t *testing.T, kind, of, document string) vault.Request {
	t.Helper()
	r, _, err := h.Receive(t.Context(), h.request(kind, of), document)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (h *house) reply(t *testing.T, r vault.Request, kept ...string) vault.Answer {
	t.Helper()
	answer, err := h.Reply(t.Context(), r.ID, "officer:answers", vault.Answering{Keep: func(purpose string) bool { return slices.Contains(kept, purpose) }})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestAPersonIsToldWhatIsKeptAndWhoReadIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row := h.seal(t, tuyet(), vault.Index{Document: number}, time.Time{})
	h.seal(t, binh(), vault.Index{Document: "001090000001"}, time.Time{})
	read(t, h.Vault, row.Ref)
	r := h.receive(t, vault.RequestAccess, "2026/7", number)
	answer := h.reply(t, r)
	if diff := cmp.Diff([]vault.Holding{{Ref: row.Ref, Purpose: "stay_guest", Since: evening().UTC()}}, answer.Holdings); diff != "" {
		t.Error(diff)
	}
	var told person
	if err := answer.Contents.Found[row.Ref].Decode(&told); err != nil || !cmp.Equal(told, tuyet()) || len(answer.Contents.Found) != 1 {
		t.Errorf("told %v, %v", answer.Contents, err)
	}
	var readers []string
	for _, d := range answer.Readings {
		readers = append(readers, d.Kind+" "+d.Actor+" "+d.Purpose+" "+d.Case)
	}
	want := []string{
		"read officer:lan identity_check notice-7", "document officer:answers access_request 2026/7", "report officer:answers access_request 2026/7",
	}
	if diff := cmp.Diff(want, readers); diff != "" {
		t.Error(diff)
	}
	if _, err := h.Reply(t.Context(), r.ID, "officer:answers", vault.Answering{}); !errors.Is(err, vault.ErrAnswered) {
		t.Errorf("answered twice: %v", err)
	}
}

// Who lost the answer of a call gets it again, whatever became of the request meanwhile.
func TestTheSameCallAgainGetsTheRequestAsItWasTaken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	call := h.request(vault.RequestErasure, "2026/7")
	var answers []vault.Request
	for again := range 3 {
		taken, replayed, err := h.Receive(t.Context(), call, number)
		if err != nil || replayed != (again > 0) {
			t.Fatalf("call %d: replayed %t, %v", again, replayed, err)
		}
		answers = append(answers, taken)
		if again == 1 {
			h.reply(t, taken)
		}
		h.clock.Advance(time.Hour)
		call.TakenAt, call.ReceivedAt = h.clock.Now(), h.clock.Now()
	}
	if diff := cmp.Diff([]vault.Request{answers[0], answers[0], answers[0]}, answers); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	call.Said = rand.Text()
	if _, _, err := h.Receive(t.Context(), call, number); !errors.Is(err, vault.ErrOtherCall) {
		t.Errorf("another call under the key: %v", err)
	}
}

// The register knows who asked by a blind index, until the answer: then nobody finds the person in it, not even as one who
// asked to be erased, and a case cannot be taken for that of somebody else.
func TestTheRegisterForgetsWhoAskedWhenItHasAnswered(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row := h.seal(t, tuyet(), vault.Index{Document: number}, time.Time{})
	index := hex.EncodeToString(row.DocumentIndex)
	for _, kind := range []string{vault.RequestAccess, vault.RequestErasure} {
		r := h.receive(t, kind, "2026/7", number)
		if dump := h.dump(t, "vault_requests"); strings.Contains(dump, number) || !strings.Contains(dump, index) {
			t.Errorf("%s: the open request holds the number, or nothing to find the person by: %s", kind, dump)
		}
		h.reply(t, r)
		if dump := h.dump(t, "vault_requests"); strings.Contains(dump, index) {
			t.Errorf("%s: the person can still be found among those who asked: %s", kind, dump)
		}
		for _, document := range []string{number, "001090000001"} {
			if _, _, err := h.Receive(t.Context(), h.request(kind, "2026/7"), document); !errors.Is(err, vault.ErrCaseUsed) {
				t.Errorf("%s: again after the answer: %v", kind, err)
			}
		}
	}
}

func TestAnErasureTakesWhatNothingForbidsAndProvesIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	index := vault.Index{Document: number}
	gone, held := h.seal(t, tuyet(), index, time.Time{}), h.seal(t, tuyet(), index, time.Time{})
	legal, err := h.Seal("line_proof", tuyet(), index, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	insert(t, h.pool, legal)
	if err := h.Hold(t.Context(), held5(h), held.Ref); err != nil {
		t.Fatal(err)
	}
	answer := h.reply(t, h.receive(t, vault.RequestErasure, "2026/8", number), "line_proof")
	why := map[vault.Ref]string{}
	for _, k := range answer.Holdings {
		why[k.Ref] = k.Held
	}
	if diff := cmp.Diff(map[vault.Ref]string{held.Ref: "court_case", legal.Ref: "kept_by_law"}, why); diff != "" {
		t.Error(diff)
	}
	if answer.Outcome != vault.OutcomeErased || answer.Kept != 2 || !cmp.Equal(answer.Erased, []vault.Ref{gone.Ref}) || len(answer.RefsSHA256) != 64 {
		t.Errorf("%+v", answer)
	}
	if got := read(t, h.Vault, gone.Ref, held.Ref, legal.Ref); len(got) != 2 {
		t.Errorf("%d are left", len(got))
	}
	if ledger := readFile(t, h.ledger()); !strings.Contains(ledger, string(gone.Ref)) || strings.Contains(ledger, string(held.Ref)) {
		t.Errorf("the ledger says %s", ledger)
	}
	closed, err := h.Requests(t.Context(), true, "", 10)
	if err != nil || len(closed) != 1 || closed[0].Erased != 1 || closed[0].Kept != 2 || closed[0].AnsweredBy != "officer:answers" {
		t.Errorf("%+v, %v", closed, err)
	}
	if again := h.reply(t, h.receive(t, vault.RequestErasure, "2026/9", number), "line_proof"); again.Outcome != vault.OutcomeKept || len(again.Erased) != 0 {
		t.Errorf("%+v", again)
	}
	if none := h.reply(t, h.receive(t, vault.RequestErasure, "2026/10", "001090000009")); none.Outcome != vault.OutcomeNothing {
		t.Errorf("%+v", none)
	}
	if none := h.reply(t, h.receive(t, vault.RequestAccess, "2026/11", "001090000009")); none.Outcome != vault.OutcomeNothing {
		t.Errorf("%+v", none)
	}
}

func TestTheRegisterOfRequestsIsStrict(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.receive(t, vault.RequestAccess, "2026/7", number)
	h.clock.Advance(time.Hour)
	if again := h.receive(t, vault.RequestAccess, "2026/7", number); !cmp.Equal(first, again) {
		t.Errorf("a repeat is another request: %+v", again)
	}
	if _, _, err := h.Receive(t.Context(), h.request(vault.RequestAccess, "2026/7"), "001090000001"); !errors.Is(err, vault.ErrCaseUsed) {
		t.Errorf("somebody else under the same case: %v", err)
	}
	other := h.receive(t, vault.RequestErasure, "2026/7", number)
	open, err := h.Requests(t.Context(), false, "", 10)
	if err != nil || len(open) != 2 || open[0].ID != first.ID || open[1].ID != other.ID {
		t.Fatalf("%+v, %v", open, err)
	}
	if rest, err := h.Requests(t.Context(), false, first.ID, 10); err != nil || len(rest) != 1 || rest[0].ID != other.ID {
		t.Errorf("%+v, %v", rest, err)
	}
	for name, spoil := range map[string]func(*vault.Request){
		"another kind": func(r *vault.Request) { r.Kind = "rumour" },
		"no deadline":  func(r *vault.Request) { r.AnswerBy = time.Time{} },
		"no cause":     func(r *vault.Request) { r.Cause = "" },
		"no law":       func(r *vault.Request) { r.LegalBasis = "" },
		"a text":       func(r *vault.Request) { r.Case = "đơn của Tuyết" },
	} {
		r := h.request(vault.RequestAccess, "2026/12")
		spoil(&r)
		if _, _, err := h.Receive(t.Context(), r, number); err == nil {
			t.Errorf("%s: received", name)
		}
	}
	if _, _, err := h.Receive(t.Context(), h.request(vault.RequestAccess, "2026/12"), ""); err == nil {
		t.Error("nobody asks for nothing")
	}
	for _, id := range []string{"", "7", "019a0000-0000-7000-8000-000000000777"} {
		if _, err := h.Reply(t.Context(), id, "officer:answers", vault.Answering{}); !errors.Is(err, vault.ErrNoRequest) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// A remark bears no document: the service leads to it. It goes with the person, and stays as long as they are needed.
func TestWhatADocumentDoesNotFindIsAnsweredForAsWell(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row := h.seal(t, tuyet(), vault.Index{Document: number}, time.Time{})
	note, err := h.SealNote("đổi phòng", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	insert(t, h.pool, note)
	var asked []vault.Ref
	how := vault.Answering{
		Keep: func(string) bool { return false },
		Also: func(_ context.Context, found []vault.Ref) ([]vault.Ref, error) {
			return append(slices.Clone(found), note.Ref), nil
		},
		Elsewhere: func(_ context.Context, _ vault.Request, found []vault.Ref) error {
			if asked = append(asked, found...); len(asked) == 1 {
				return errAway
			}
			return nil
		},
	}
	r := h.receive(t, vault.RequestErasure, "2026/20", number)
	if _, err := h.Reply(t.Context(), r.ID, "officer:answers", how); !errors.Is(err, errAway) {
		t.Fatalf("answered although others could not be asked: %v", err)
	}
	if got := read(t, h.Vault, row.Ref, note.Ref); len(got) != 2 {
		t.Fatalf("%d are left of an erasure that failed", len(got))
	}
	answer, err := h.Reply(t.Context(), r.ID, "officer:answers", how)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]vault.Ref{row.Ref, note.Ref}, answer.Erased); diff != "" || len(answer.Contents.Found) != 0 {
		t.Errorf("erased (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]vault.Ref{row.Ref, row.Ref}, asked); diff != "" {
		t.Errorf("others were asked about (-want +got)\n%s", diff)
	}
}

// What a person is shown of themselves is no work on them: it does not keep them for longer.
func TestAPersonsOwnReportKeepsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row := h.seal(t, tuyet(), vault.Index{}, time.Time{})
	h.clock.Advance(100 * 24 * time.Hour)
	told, err := h.Tell(t.Context(), vault.Reading{Actor: "officer:lan", Purpose: "access_report", Case: "2026/21"}, row.Ref)
	if err != nil || len(told.Holdings) != 1 || len(told.Readings) != 1 || told.Readings[0].Kind != "report" {
		t.Fatalf("%+v, %v", told, err)
	}
	term := vault.Term{Rule: "r", LegalBasis: "Luật", Purpose: "stay_guest", Before: h.clock.Now().AddDate(0, 0, -30), Unread: true}
	if due, err := h.Due(t.Context(), term); err != nil || due.Due != 1 {
		t.Errorf("%+v, %v", due, err)
	}
}
