package bank_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/songan-vn/songan/libs/testkit"
)

// wait waits until the bank has handled n instructions.
func wait(t *testing.T, control string, n int) {
	t.Helper()
	testkit.Eventually(t, func() error {
		var state struct{ Received int }
		err := json.Unmarshal(call(t, http.MethodGet, control+"/control/state", "", http.StatusOK), &state)
		if err != nil || state.Received < n {
			return fmt.Errorf("%d of %d received (%w)", state.Received, n, err)
		}
		return nil
	})
}

// line is what GET /ledger.jsonl shows of a payment, as a judge reads it.
type line struct {
	EndToEndID string `json:"end_to_end_id"`
	Amount     int64  `json:"amount"`
	Status     string `json:"status"`
	Reason     string `json:"reason"`
	Reference  string `json:"reference"`
	Instructed int    `json:"instructed"`
	Conflicts  int    `json:"conflicts"`
}

func ledgerOf(t *testing.T, control string) map[string]line {
	t.Helper()
	all := map[string]line{}
	scanner := bufio.NewScanner(bytes.NewReader(call(t, http.MethodGet, control+"/ledger.jsonl", "", http.StatusOK)))
	for scanner.Scan() {
		var l line
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		if _, twice := all[l.EndToEndID]; twice {
			t.Errorf("%s stands in the ledger twice", l.EndToEndID)
		}
		all[l.EndToEndID] = l
	}
	return all
}

// call makes a request and returns the body of the answer, which has that status.
func call(t *testing.T, method, url, body string, want int) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Timeout: soon}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		t.Fatalf("%s %s: %d %s (%v), want %d", method, url, resp.StatusCode, text, err, want)
	}
	return text
}

// lockedBuffer may be written to from everywhere at once.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write keeps the text.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns it.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
