package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/projection"
)

// People is the read model of whose references they are: of the vault's people to the beneficiaries for whom they stand, or
// ever stood. A correction makes a new reference, and what is under way still names the old one; so none is taken back.
func People() *projection.Projection {
	return projection.New("people_v1", peopleDDL, applyToPeople)
}

const peopleDDL = `
create table if not exists people_v1 (
  ref         text not null,
  beneficiary text not null,
  primary key (ref, beneficiary)
);
`

func applyToPeople(ctx context.Context, tx pgx.Tx, batch []events.Recorded) error {
	var refs, beneficiaries []string
	add := func(beneficiary string, people ...string) {
		for _, ref := range people {
			if ref != "" {
				refs, beneficiaries = append(refs, ref), append(beneficiaries, beneficiary)
			}
		}
	}
	for _, r := range batch {
		switch e := r.Event.(type) {
		case accounts.BeneficiaryRegistered:
			add(e.Beneficiary, e.Person, e.Representative)
		case accounts.BeneficiaryCorrected:
			add(e.Beneficiary, e.Person, e.Representative)
		case accounts.AccountRequested:
			add(e.Beneficiary, e.Person, e.Holder)
		case accounts.AccountOpened:
			add(e.Beneficiary, e.Holder)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	const insert = `
insert into people_v1 (ref, beneficiary) select * from unnest($1::text[], $2::text[]) on conflict do nothing`
	if _, err := tx.Exec(ctx, insert, refs, beneficiaries); err != nil {
		return fmt.Errorf("write whose references they are: %w", err)
	}
	return nil
}
