package oidc

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/songan-vn/songan/libs/embedded/oidc/internal/guard"
)

func TestWhoGuessesAPasswordWaitsAndNobodyElseDoes(t *testing.T) {
	t.Parallel()
	h := open(t)
	for range guard.PairAtOnce {
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
	h.advance(guard.PairEvery)
	if a := h.enter("an", right, "evil"); a.status != http.StatusFound {
		t.Errorf("after waiting: %d", a.status)
	}
}

func TestAnAddressThatTriesManyNamesWaits(t *testing.T) {
	t.Parallel()
	h := open(t)
	for i := range guard.AddressAtOnce {
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
	for i := range guard.AccountAtOnce {
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
	for range guard.PairAtOnce {
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
	for range guard.BeginAtOnce {
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
