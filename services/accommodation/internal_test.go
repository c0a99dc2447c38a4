package accommodation

import (
	"testing"

	facts "github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/services/accommodation/internal/guest"
)

// A field without a line is hidden from everybody: whoever adds one decides here who sees it.
func TestEveryFieldAboutAPersonHasALineInTheTable(t *testing.T) {
	t.Parallel()
	table, err := privacy.LoadTable()
	if err != nil {
		t.Fatal(err)
	}
	fields := append(privacy.FieldsOf[guest.Guest]("guest"), privacy.FieldsOf[profile]("facility")...)
	for _, field := range append(fields, "stay.reason", "stay.room", "stay.group", "stay.accompanied_by", "stay.facts",
		"stay.nationality", "stay.document_type", "stay.warnings") {
		if !table.Has(field) {
			t.Errorf("%s has no line", field)
		}
	}
}

// A fact that nobody thought of would be shown as it is, health and all: masking it panics instead.
func TestEveryFactOfANoticeIsMaskedOrNeedsNoMask(t *testing.T) {
	t.Parallel()
	for _, fact := range facts.NoticeFacts() {
		if got := (&app{}).maskFact(fact, privacy.Reader{}); got.EventName() != fact.EventName() {
			t.Errorf("%s became %s", fact.EventName(), got.EventName())
		}
	}
}
