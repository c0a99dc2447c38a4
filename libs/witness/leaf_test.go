package witness

import (
	"strconv"
	"testing"
)

func TestQuotingIsThatOfStrconv(t *testing.T) {
	t.Parallel()
	texts := []string{"", "Nguyễn", "payment-\u2028", "ab\xc3"}
	for c := range 256 {
		texts = append(texts, "payment-"+string([]byte{byte(c)})+"1")
	}
	for _, text := range texts {
		if got, want := string(appendQuoted(nil, text)), strconv.Quote(text); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
