package contracts_test

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/tools/contracts"
)

// What a bank's engineer copies out of the guide has to be what we send and take.
func TestTheExamplesForBanksAreWhatTheyAreCalled(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/banks.md")
	if err != nil {
		t.Fatal(err)
	}
	want, seen, current := map[string]bool{}, map[string]bool{}, ""
	for _, m := range regexp.MustCompile("(?ms)^`(bank\\.[a-z_]+\\.v1)`|^```json\n(.*?)\n```").FindAllStringSubmatch(string(guide), -1) {
		if m[1] != "" {
			current = m[1]
			continue
		}
		seen[current] = true
		for _, messages := range contracts.Messages() {
			for _, e := range messages {
				want[e.EventName()] = true
				if e.EventName() != current {
					continue
				}
				var value map[string]any
				if err := json.Unmarshal([]byte(m[2]), &value); err != nil {
					t.Fatalf("%s: %v", current, err)
				}
				if err := compile(t, e).Validate(value); err != nil {
					t.Errorf("%s: %v", current, err)
				}
			}
		}
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("messages with an example (-contract +guide):\n%s", diff)
	}
}
