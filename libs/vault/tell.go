package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// Contents are what rows say, for the person whom they are about.
type Contents struct {
	Found map[Ref]Plain
	// Damaged are rows that do not open.
	Damaged map[Ref]bool
}

// kindReport is how a reading for the person themselves is recorded. It is nobody's work and keeps nothing from its term.
const kindReport = "report"

// Told is what is kept under references, what it says, and who read it, that telling included.
type Told struct {
	Holdings []Holding
	Contents Contents
	Readings []Disclosure
}

// Tell reads rows for the person whom they are about. It is recorded like every reading. What was erased is absent.
func (v *Vault) Tell(ctx context.Context, why Reading, refs ...Ref) (told Told, err error) {
	if told.Holdings, err = v.Holdings(ctx, refs...); err == nil {
		told.Contents, told.Readings, err = v.tell(ctx, v.pool, why, refsOf(told.Holdings))
	}
	if err != nil {
		return Told{}, fmt.Errorf("tell: %w", err)
	}
	return told, nil
}

// Holdings lists those of the references that are kept, without what they say.
func (v *Vault) Holdings(ctx context.Context, refs ...Ref) ([]Holding, error) {
	return v.holdingsOf(ctx, v.pool, refs)
}

func (v *Vault) tell(ctx context.Context, db asker, why Reading, refs []Ref) (Contents, []Disclosure, error) {
	contents, readings := Contents{Found: map[Ref]Plain{}, Damaged: map[Ref]bool{}}, []Disclosure{}
	if err := why.check(); err != nil {
		return contents, nil, err
	}
	for chunk := range slices.Chunk(refs, MaxRefs) {
		ids, err := checked(chunk)
		if err != nil {
			return contents, nil, err
		}
		rows, err := v.recordAndFetch(ctx, db, kindReport, why, ids)
		if err != nil {
			return contents, nil, err
		}
		if err := v.openEach(ctx, rows, contents); err != nil {
			return contents, nil, err
		}
		some, err := v.disclosures(ctx, db, disclosuresOf, ids, mostDisclosures)
		if err != nil {
			return contents, nil, err
		}
		readings = append(readings, some...)
	}
	return contents, readings, nil
}

// openEach opens rows one by one: the person learns of what is damaged as well.
func (v *Vault) openEach(ctx context.Context, rows []Row, into Contents) error {
	for _, row := range rows {
		plain, err := v.open(ctx, row)
		switch {
		case errors.Is(err, ErrUnreadable):
			v.log.Error("a row of the vault does not open", zap.String("ref", string(row.Ref)))
			into.Damaged[row.Ref] = true
		case errors.Is(err, ErrDestroyed):
		case err != nil:
			return err
		default:
			into.Found[row.Ref] = plain
		}
	}
	return nil
}

// holdingsOf finds those of the references that are alive.
func (v *Vault) holdingsOf(ctx context.Context, db asker, refs []Ref) ([]Holding, error) {
	const query = `
select v.ref::text, v.purpose,
       coalesce((select string_agg(h.reason, ', ' order by h.reason) from vault_holds h where h.ref = v.ref and h.until > $1), '')
  from vault v
 where v.ref = any($2::uuid[]) and ` + alive + `
 order by v.ref`
	all := []Holding{}
	for chunk := range slices.Chunk(refs, MaxRefs) {
		ids, err := checked(chunk)
		if err != nil {
			return nil, fmt.Errorf("find what is kept: %w", err)
		}
		rows, err := db.Query(ctx, query, v.now(), ids)
		if err != nil {
			return nil, fmt.Errorf("find what is kept: %w", err)
		}
		some, err := pgx.CollectRows(rows, scanHolding)
		if err != nil {
			return nil, fmt.Errorf("find what is kept: %w", err)
		}
		all = append(all, some...)
	}
	return all, nil
}

func scanHolding(row pgx.CollectableRow) (h Holding, err error) {
	if err := row.Scan(&h.Ref, &h.Purpose, &h.Held); err != nil {
		return h, err
	}
	h.Since, err = h.Ref.time()
	return h, err
}
