// Package books asks the simulated banks at their control addresses: how they behave, and what stands in their own books.
package books

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/demo/client"
)

// Scenario is what a simulated bank does wrong, as its control address takes it.
type Scenario client.Object

// Banks are the simulated banks. Their control addresses change when the system starts again, so they are looked up for
// every call.
type Banks struct {
	find func() (map[string]string, error)
	http http.Client

	bics []string
	// before are the payments that the banks had before this payday.
	before map[string]bool
}

// Of returns the banks whose control addresses find knows, by BIC.
func Of(find func() (map[string]string, error)) *Banks { return &Banks{find: find} }

const (
	controlAttempts = 120
	controlPause    = time.Second
	controlLimit    = 10 * time.Second
	controlAnswer   = 64 << 20
)

// question is a request to the control address of a bank.
type question struct {
	bic, method, path string
	// body is sent as JSON unless it is nil. into takes the answer: JSON, or any text if it is a *[]byte.
	body, into any
}

// ask sends a question, and again while nobody answers.
func (b *Banks) ask(ctx context.Context, q question) error {
	var fault error
	for range controlAttempts {
		if fault = b.once(ctx, q); fault == nil {
			return nil
		}
		if errors.Is(fault, errRefused) {
			return fault
		}
		if err := client.Wait(ctx, controlPause); err != nil {
			return err
		}
	}
	return fault
}

var errRefused = errors.New("the bank's control address refuses")

func (b *Banks) once(ctx context.Context, q question) error {
	var body []byte
	if q.body != nil {
		var err error
		if body, err = json.Marshal(q.body); err != nil {
			return fmt.Errorf("write request: %w", err)
		}
	}
	addresses, err := b.find()
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, controlLimit)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, q.method, addresses[q.bic]+q.path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("build request to bank %s: %w", q.bic, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := b.http.Do(request)
	if err != nil {
		return fmt.Errorf("reach bank %s: %w", q.bic, err)
	}
	defer func() { _ = response.Body.Close() }() // it was read
	answer, err := io.ReadAll(io.LimitReader(response.Body, controlAnswer))
	switch {
	case err != nil:
		return fmt.Errorf("read answer of bank %s: %w", q.bic, err)
	case response.StatusCode >= http.StatusInternalServerError:
		return fmt.Errorf("bank %s answers %d", q.bic, response.StatusCode)
	case response.StatusCode >= http.StatusMultipleChoices:
		return fmt.Errorf("%w: bank %s answers %d: %s", errRefused, q.bic, response.StatusCode, answer)
	case q.into == nil:
		return nil
	}
	if text, ok := q.into.(*[]byte); ok {
		*text = answer
		return nil
	}
	if err := json.Unmarshal(answer, q.into); err != nil {
		return fmt.Errorf("read answer of bank %s: %w", q.bic, err)
	}
	return nil
}
