package clerk

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
)

// Proof is how a line was computed: with it, the amount can be computed again by hand.
type Proof struct {
	Payment string `json:"payment"`
	// AsOf is the day whose law was used, Rules its version.
	AsOf  vn.Date `json:"as_of"`
	Rules string  `json:"rules"`
	// Entitlement is what the law grants for the month; nil for what was carried forward, whose proof stands in the list
	// that it comes from.
	Entitlement *entitlement.Entitlement `json:"entitlement,omitempty"`
	// Covered is what other lists pay for the month, or what was paid before this system: the line is the difference.
	Covered money.Amount `json:"covered,omitempty"`
	// OtherProgrammes is what lists of other programmes pay for the month beyond what the law grants in those: the line is held.
	OtherProgrammes money.Amount `json:"other_programmes,omitempty"`
}

// bundle is what is sealed: the proofs of a chunk are alike, and much smaller when they are packed.
type bundle struct {
	Packed []byte `json:"packed"`
}

// purposeProofs is what the proofs of lines are sealed for.
const purposeProofs = "line_proofs"

func pack(proofs []Proof) (bundle, error) {
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err == nil {
		err = errors.Join(json.NewEncoder(w).Encode(proofs), w.Close())
	}
	if err != nil {
		return bundle{}, fmt.Errorf("pack proofs: %w", err)
	}
	return bundle{Packed: packed.Bytes()}, nil
}

// proofsLimit bounds what is unpacked.
const proofsLimit = 8 << 20

// Proofs opens the proofs of a chunk, as they were read from the vault.
func Proofs(plain vault.Plain) ([]Proof, error) {
	var b bundle
	if err := plain.Decode(&b); err != nil {
		return nil, err
	}
	var proofs []Proof
	if err := json.NewDecoder(io.LimitReader(flate.NewReader(bytes.NewReader(b.Packed)), proofsLimit)).Decode(&proofs); err != nil {
		return nil, errors.New("the proofs cannot be unpacked") // the error could quote them
	}
	return proofs, nil
}
