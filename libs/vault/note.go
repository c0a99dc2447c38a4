package vault

import "time"

// NotePurpose is what notes are sealed for.
const NotePurpose = "note"

// Note is a free text: a reason, a remark. People write names into those, so they stand in the vault, and facts refer to
// them like to people.
type Note struct {
	Text string `json:"text"`
}

// SealNote seals a free text. It is swept after expires; the zero time keeps it until somebody erases it.
func (v *Vault) SealNote(text string, expires time.Time) (Row, error) {
	return v.Seal(NotePurpose, Note{Text: text}, Index{}, expires)
}
