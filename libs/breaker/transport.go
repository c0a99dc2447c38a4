package breaker

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// Transport is an [http.RoundTripper] behind a breaker. Answers pass through unchanged, also 5xx, which are counted
// as failures on the way; a body that breaks off while it is read counts as well.
type Transport struct {
	Breaker *Breaker
	// Base makes the calls; nil means [http.DefaultTransport].
	Base http.RoundTripper
}

// RoundTrip makes the call, or refuses it with an [*OpenError].
func (t Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	done, err := t.Breaker.allow()
	if err != nil {
		if request.Body != nil {
			_ = request.Body.Close() // the contract of RoundTripper: closed in any case; nothing was written
		}
		return nil, err
	}
	ctx := request.Context()
	answer, err := guarded(ctx, done, func(context.Context) (*http.Response, error) {
		return t.base().RoundTrip(request)
	})
	if err != nil {
		err = asTransportError(err)
		done(ctx, err)
		return nil, err
	}
	done(ctx, CheckStatus(answer, time.Now()))
	if answer.StatusCode != http.StatusSwitchingProtocols { // that body is the connection itself
		answer.Body = &watchedBody{ReadCloser: answer.Body, ctx: ctx, breaker: t.Breaker}
	}
	return answer, nil
}

func (t Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

// asTransportError marks everything that a transport returns as "away": it has no other errors than of the
// connection, TLS among them. What it says of our own cancellation stays as it is.
func asTransportError(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return Down(err)
}

// watchedBody tells the breaker when the dependency broke off in the middle of an answer.
type watchedBody struct {
	io.ReadCloser
	ctx     context.Context // the request's: Read has no other way to know who left
	breaker *Breaker
	// over is set by the first failure and by Close: what is read after that says nothing about the dependency.
	over atomic.Bool
}

// Read passes through; the first error that is not the end of the body is counted as one more, failed, call.
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && b.over.CompareAndSwap(false, true) {
		b.report(err)
	}
	return n, err
}

// Close passes through.
func (b *watchedBody) Close() error {
	b.over.Store(true)
	return b.ReadCloser.Close()
}

func (b *watchedBody) report(err error) {
	done, refused := b.breaker.allow()
	if refused != nil {
		return // open already
	}
	done(b.ctx, asTransportError(err))
}
