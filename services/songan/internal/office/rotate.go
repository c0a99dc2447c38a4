package office

import (
	"context"
	"errors"
	"io"

	"github.com/songan-vn/songan/libs/subject"
)

// RotateVault gives the vaults new master keys, with the services running or not. It is done in two steps, so that in between
// the key files can be brought to every machine that has a copy.
type RotateVault struct {
	Place

	Retire bool `help:"The second step: drop the older master keys from the key files. What was wrapped with them, as in older backups, opens with older key files alone."`
}

// Rotated says what was done to the keys of one service.
type Rotated struct {
	Service string `json:"service"`
	Done    string `json:"done"`
}

// Do rotates or retires, and writes what was done, also when a vault has failed. It can be repeated.
func (r RotateVault) Do(ctx context.Context, out io.Writer) error {
	done := []Rotated{}
	err := r.each(ctx, func(in subject.Place) error {
		step, turn := "rotated", in.Vault.RotateMaster
		if r.Retire {
			step, turn = "retired", in.Vault.RetireMaster
		}
		if err := turn(ctx); err != nil {
			return err
		}
		done = append(done, Rotated{in.Service, step})
		return nil
	})
	return errors.Join(err, write(out, done))
}
