package enrolment

import (
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
)

// Profile is what the rules ask for about a person, as it lies in this service's vault: a category may tell of an
// illness.
type Profile struct {
	Category  string            `json:"category"`
	BirthDate vn.PartialDate    `json:"birth_date"`
	Facts     entitlement.Facts `json:"facts,omitzero"`
}

// Purpose is what profiles are sealed for.
const Purpose = "enrolment_profile"
