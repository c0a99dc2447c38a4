package songan_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/events/identity"
	"github.com/songan-vn/songan/libs/plainjson"
)

// Facts are written by libs/plainjson, which leaves what is not plain to encoding/json: the same, but slow.
func TestEveryFactIsWrittenQuicklyAndAsItWouldBeOtherwise(t *testing.T) {
	t.Parallel()
	all := slices.Concat(accommodation.Catalog(), accounts.Catalog(), bankgateway.Catalog(), disbursement.Catalog(), identity.Catalog(),
		bank.Instructions(), bank.Reports())
	catalog, encoder := events.NewCatalog(all), plainjson.Standard()
	goldens, err := filepath.Glob("../../events/*/testdata/*.json")
	if err != nil || len(goldens) < len(all) {
		t.Fatalf("%d goldens of %d facts: %v", len(goldens), len(all), err)
	}
	for _, file := range goldens {
		golden, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fact, err := catalog.Decode(strings.TrimSuffix(filepath.Base(file), ".json"), golden)
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(fact)
		if err != nil {
			t.Fatal(err)
		}
		got, err := encoder.Marshal(fact)
		if diff := cmp.Diff(string(want), string(got)); err != nil || diff != "" {
			t.Errorf("%s: %v (-encoding/json +plainjson):\n%s", fact.EventName(), err, diff)
		}
		if !encoder.Plain(fact) {
			t.Errorf("%s is left to encoding/json", fact.EventName())
		}
	}
}
