package events

// Unit names an administrative unit. Codes are used again for other places after a reform, so the key is
// the code together with the day from which it holds.
type Unit struct {
	Code string `json:"code"`
	// ValidFrom is a calendar day, "2025-07-01".
	ValidFrom string `json:"valid_from"`
}
