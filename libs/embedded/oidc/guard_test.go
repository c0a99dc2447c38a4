package oidc

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
)

func TestWhoGuessesAPasswordWaitsAndNobodyElseDoes(t *testing.T) {
	t.Parallel()
	h := open(t)
	for range pairAtOnce {
		if a := h.enter("an", "wrong", "evil"); a.status != http.StatusUnauthorized {
			t.Fatalf("%d", a.status)
		}
	}
	a := h.enter("an", right, "evil")
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "30" || h.last() != (Attempt{"has_to_wait", "person-an"}) {
		t.Errorf("%d %q %v", a.status, a.header.Get("Retry-After"), h.last())
	}
	if a := h.enter("an", right, "office"); a.status != http.StatusFound {
		t.Errorf("the owner is locked out: %d", a.status)
	}
	if a := h.enter("thu", right, "evil"); a.status != http.StatusOK {
		t.Errorf("a neighbour at the same address is locked out: %d", a.status)
	}
	h.advance(pairEvery)
	if a := h.enter("an", right, "evil"); a.status != http.StatusFound {
		t.Errorf("after waiting: %d", a.status)
	}
}

func TestAnAddressThatTriesManyNamesWaits(t *testing.T) {
	t.Parallel()
	h := open(t)
	for i := range addressAtOnce {
		if a := h.enter("name"+strconv.Itoa(i), "wrong", "evil"); a.status != http.StatusUnauthorized {
			t.Fatalf("%d: %d", i, a.status)
		}
	}
	if a := h.enter("an", right, "evil"); a.status != http.StatusTooManyRequests {
		t.Errorf("%d", a.status)
	}
	if a := h.enter("an", right, "office"); a.status != http.StatusFound {
		t.Errorf("another address: %d", a.status)
	}
}

func TestAGuessFromManyAddressesStopsStrangersAndNotTheOwner(t *testing.T) {
	t.Parallel()
	h := open(t)
	if a := h.enter("an", right, "office"); a.status != http.StatusFound {
		t.Fatal(a.status)
	}
	for i := range accountAtOnce {
		if a := h.enter("an", "wrong", "bot"+strconv.Itoa(i)); a.status != http.StatusUnauthorized {
			t.Fatalf("%d: %d", i, a.status)
		}
	}
	if a := h.enter("an", right, "another bot"); a.status != http.StatusTooManyRequests {
		t.Errorf("%d", a.status)
	}
	if a := h.enter("an", right, "office"); a.status != http.StatusFound {
		t.Errorf("the owner, from where they always sign in: %d", a.status)
	}
}

func TestGuessingCodesWaitsToo(t *testing.T) {
	t.Parallel()
	h := open(t)
	page := h.enter("thu", right, "evil")
	for range pairAtOnce {
		if a := h.fill(page, map[string]string{"code": "000000"}, from("evil")); a.status != http.StatusUnauthorized {
			t.Fatalf("%d", a.status)
		}
	}
	code, err := TOTPCode(h.totp, h.clock())
	if err != nil {
		t.Fatal(err)
	}
	if a := h.fill(page, map[string]string{"code": code}, from("evil")); a.status != http.StatusTooManyRequests {
		t.Errorf("%d", a.status)
	}
}

func TestAnAddressGetsSoManyPagesAndOthersStillDo(t *testing.T) {
	t.Parallel()
	h := open(t)
	ask := func(address string) answer { return h.do(http.MethodGet, asking(nil), "", from(address)) }
	for range beginAtOnce {
		if a := ask("evil"); a.status != http.StatusFound {
			t.Fatalf("%d", a.status)
		}
	}
	if a := ask("evil"); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "2" {
		t.Errorf("%d %v", a.status, a.header)
	}
	if a := ask("office"); a.status != http.StatusFound {
		t.Errorf("%d", a.status)
	}
}

func TestASignInIsFinishedOnce(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	p := newPending(func() time.Time { return now })
	r, err := p.add(zitadel.AuthRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []error{nil, errNoRequest} { // two forms at the same time: the first counts
		if _, err := p.change(r.id, func(r *request) { r.subject = "somebody" }); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	late, err := p.add(zitadel.AuthRequest{})
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(requestLife + time.Second)
	if _, err := p.change(late.id, func(*request) {}); !errors.Is(err, errNoRequest) {
		t.Error(err)
	}
	if err := p.saveCode(late.id, "code"); !errors.Is(err, errNoRequest) {
		t.Error("a code for a sign-in that nobody finished:", err)
	}
}

func TestWhatIsRememberedHasALimit(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	p := newPending(func() time.Time { return now })
	for range mostPending {
		if _, err := p.add(zitadel.AuthRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.add(zitadel.AuthRequest{}); !errors.Is(err, errFull) {
		t.Error(err)
	}
	now = now.Add(requestLife + time.Second)
	if _, err := p.add(zitadel.AuthRequest{}); err != nil || len(p.requests) != 1 {
		t.Error(err, len(p.requests))
	}
	b := newBuckets(1, time.Hour)
	for i := range remembered + 10 {
		b.take(strconv.Itoa(i), now)
	}
	if len(b.paid) > remembered {
		t.Error(len(b.paid))
	}
}

func TestRightPasswordsCostNothing(t *testing.T) {
	t.Parallel()
	g := newGuard(func() time.Time { return time.Unix(0, 0) })
	for range 100 {
		if _, ok := g.try("an", "office"); !ok {
			t.Fatal("has to wait")
		}
		g.right("an", "office")
	}
}

func TestAPasswordIsComparedWithItsHash(t *testing.T) {
	t.Parallel()
	hash := HashPassword(right)
	if !isHash(hash) || hash == HashPassword(right) || !isHash(decoy) {
		t.Error(hash)
	}
	h := newHasher()
	for password, want := range map[string]bool{right: true, right + " ": false, "": false} {
		if got, err := h.matches(t.Context(), hash, password); got != want || err != nil {
			t.Errorf("%q: %v, %v", password, got, err)
		}
	}
	if _, err := h.matches(t.Context(), "nonsense", right); err == nil {
		t.Error("compared with nonsense")
	}
}

func TestFewPasswordsAreComputedAtATimeAndTheOthersAreToldSo(t *testing.T) {
	t.Parallel()
	h := newHasher()
	hash := hashWith(right, 64, 1)
	for range hashing {
		h.places <- struct{}{} // computing
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	errs := make(chan error, hashing+waiting)
	for range hashing + waiting {
		wg.Go(func() {
			_, err := h.matches(ctx, hash, right)
			errs <- err
		})
	}
	for len(h.queue) < hashing+waiting { // all have come
		select {
		case <-t.Context().Done():
			t.Fatal("they did not come")
		case <-time.After(time.Millisecond):
		}
	}
	if _, err := h.matches(t.Context(), hash, right); !errors.Is(err, errBusy) {
		t.Error(err)
	}
	cancel()
	wg.Wait()
	for range hashing + waiting {
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

func TestCodesAreThoseOfRFC6238(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"} {
		if got := code(secret, at/stepSeconds); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}
