package disbursement_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/songan-vn/songan/events/disbursement"
)

// The transaction reference follows from the end-to-end id, so that everybody who knows the one knows the other.
func ExampleTarget_UETR() {
	fmt.Println(disbursement.Target{EndToEndID: "SA-K3V7Q2M5X4N6P7R2S5T3U4W6YA-1"}.UETR())
	// Output: 6957f074-d20c-46b4-bc47-39dbc7ee5a8f
}

func TestATransactionReferenceIsAVersion4UUIDAndAttemptsHaveDifferentOnes(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for n := range 1_000 {
		got := disbursement.Target{EndToEndID: fmt.Sprint("SA-", n)}.UETR()
		if !form.MatchString(got) || seen[got] {
			t.Fatalf("attempt %d has %s", n, got)
		}
		seen[got] = true
	}
}
