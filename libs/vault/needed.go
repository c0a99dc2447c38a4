package vault

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Needed tells which of at most [MaxRefs] references cannot be given up yet, and why, as a code: "payment_in_flight". An
// error means that nobody knows, and then nothing is erased.
type Needed func(ctx context.Context, refs []Ref) (map[Ref]string, error)

// askNeeded asks the service about references that a term, an officer or the person would have erased.
func (v *Vault) askNeeded(ctx context.Context, refs []Ref) (map[Ref]string, error) {
	needed := map[Ref]string{}
	if v.needed == nil {
		return needed, nil
	}
	for chunk := range slices.Chunk(refs, MaxRefs) {
		some, err := v.needed(ctx, chunk)
		if err != nil {
			return nil, fmt.Errorf("ask what is still needed: %w", err)
		}
		maps.Copy(needed, some)
	}
	return needed, nil
}

// checkNeeded errs with [ErrHeld] if any of the references is needed.
func (v *Vault) checkNeeded(ctx context.Context, ids []string) error {
	refs := make([]Ref, len(ids))
	for i, id := range ids {
		refs[i] = Ref(id)
	}
	needed, err := v.askNeeded(ctx, refs)
	if err != nil {
		return err
	}
	if len(needed) > 0 {
		return fmt.Errorf("%w: %s", ErrHeld, strings.Join(slices.Compact(slices.Sorted(maps.Values(needed))), ", "))
	}
	return nil
}
