package vault_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/vault"
)

var errAway = errors.New("nobody can say")

// needing opens the vault of a house again, with somebody who is asked. Nobody can be asked as long as need is nil.
func (h *house) needing(t *testing.T, need *map[vault.Ref]string) *house {
	t.Helper()
	n := *h
	n.needed = func(context.Context, []vault.Ref) (map[vault.Ref]string, error) {
		if *need == nil {
			return nil, errAway
		}
		return *need, nil
	}
	n.Vault = n.another(t)
	return &n
}

// Whoever is needed stays, whichever way the erasure comes; and everybody does when nobody can say.
func TestWhoIsNeededIsNotErased(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var need map[vault.Ref]string
	n := h.needing(t, &need)
	paid, settled := h.seal(t, tuyet(), vault.Index{Document: number}, time.Time{}), h.seal(t, tuyet(), vault.Index{Document: number}, time.Time{})
	h.clock.Advance(h.clock.Now().AddDate(6, 0, 0).Sub(h.clock.Now()))
	asked := n.receive(t, vault.RequestErasure, "2026/9", number)
	erasure := vault.Erasure{Actor: "officer:lan", Reason: "subject_request"}

	if err := n.Erase(t.Context(), erasure, paid.Ref, settled.Ref); !errors.Is(err, errAway) {
		t.Errorf("an officer, and nobody can say: %v", err)
	}
	if _, err := n.Reply(t.Context(), asked.ID, "officer:answers", vault.Answering{Keep: func(string) bool { return false }}); !errors.Is(err, errAway) {
		t.Errorf("a request, and nobody can say: %v", err)
	}
	if gone, err := n.Retain(t.Context(), n.term(false)); !errors.Is(err, errAway) || gone != 0 {
		t.Errorf("a term, and nobody can say: %d, %v", gone, err)
	}

	need = map[vault.Ref]string{paid.Ref: "payment_in_flight", settled.Ref: "payment_in_flight"}
	if err := n.Erase(t.Context(), erasure, paid.Ref, settled.Ref); !errors.Is(err, vault.ErrHeld) {
		t.Errorf("an officer: %v", err)
	}
	if gone := n.retain(t, n.term(false)); gone != 0 {
		t.Errorf("a term took %d", gone)
	}
	delete(need, settled.Ref)
	answer := n.reply(t, asked)
	want := []vault.Holding{{Ref: paid.Ref, Purpose: "stay_guest", Since: evening().UTC(), Held: "payment_in_flight"}}
	if diff := cmp.Diff(want, answer.Holdings); diff != "" || len(answer.Erased) != 1 {
		t.Errorf("erased %v (-want +got)\n%s", answer.Erased, diff)
	}

	delete(need, paid.Ref)
	if gone := n.retain(t, n.term(false)); gone != 1 {
		t.Errorf("settled, and the term took %d", gone)
	}
}

// Rows that are needed do not stand in the way of those behind them.
func TestATermGoesOnBehindWhatIsNeeded(t *testing.T) {
	t.Parallel()
	const many = 501 // more than one transaction takes
	h := newHouse(t)
	need := map[vault.Ref]string{}
	for range many {
		need[h.seal(t, tuyet(), vault.Index{}, time.Time{}).Ref] = "payment_in_flight"
	}
	h.clock.Advance(time.Millisecond)
	h.seal(t, tuyet(), vault.Index{}, time.Time{})
	n := h.needing(t, &need)
	h.clock.Advance(h.clock.Now().AddDate(6, 0, 0).Sub(h.clock.Now()))
	if gone := n.retain(t, n.term(false)); gone != 1 {
		t.Errorf("the term took %d", gone)
	}
}
