package seal_test

import (
	"bytes"
	"testing"

	"github.com/songan-vn/songan/libs/access/signin/internal/seal"
)

func TestWhatIsSealedOpensForItsUseOnly(t *testing.T) {
	t.Parallel()
	s, err := seal.New(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	sealed := s.Seal("factor a", []byte("secret"))
	if plain, err := s.Open("factor a", sealed); err != nil || string(plain) != "secret" {
		t.Error(plain, err)
	}
	if _, err := s.Open("factor b", sealed); err == nil {
		t.Error("opened for somebody else")
	}
	if bytes.Equal(sealed, s.Seal("factor a", []byte("secret"))) {
		t.Error("sealed the same way twice")
	}
	if _, err := seal.New([]byte("short")); err == nil {
		t.Error("a short key was taken")
	}
}
