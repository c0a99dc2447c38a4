package witness_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/witness"
)

func found(t *testing.T, want []witness.Finding, report witness.Report) {
	t.Helper()
	if diff := cmp.Diff(want, report.Findings); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A row that claims to stand at the end of all numbers is found, and not walked to.
func TestARowFarBehindTheEndIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	const far = 1_000_000_000_000_000
	b := open(t)
	b.coin(t, 5)
	b.sign(t)
	b.coin(t, 5) // not signed yet
	b.do(t, `alter table events disable trigger all`)
	b.do(t, `insert into events select $1, 'till-x', 1, type, data, meta, append, recorded_at from events where position = 10`, int64(far))
	b.do(t, `delete from events where position = 7`)
	found(t, []witness.Finding{{Kind: "inserted", Position: 8}, {Kind: "inserted", Position: far}}, b.verify(t, b.pool))

	r := registered(t)
	r.read(t, 3)
	r.settle(t, 4)
	r.read(t, 2) // not signed yet
	r.do(t, `insert into vault_readings (id, at, kind, actor, purpose, case_ref, refs) overriding system value
		select $1, at, kind, actor, purpose, case_ref, refs from vault_readings where id = 6`, int64(far))
	found(t, []witness.Finding{{Kind: "inserted", Position: far}}, r.verifyRegister(t, r.pool))
}

// Whoever empties the file of checkpoints, or keeps the keeper away, is found out.
func TestWhatNoCheckpointSpeaksOfIsFound(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.coin(t, 3)
	b.sign(t)
	report, err := witness.Verify(t.Context(), b.pool, origin, nil)
	if err != nil {
		t.Fatal(err)
	}
	found(t, []witness.Finding{{Kind: "unsigned"}}, report)

	b.coin(t, 3)
	found(t, nil, b.verify(t, b.pool)) // their checkpoint is due in a moment
	b.do(t, `alter table events disable trigger all`)
	b.do(t, `update events set recorded_at = recorded_at - interval '2 minutes' where position > 4`)
	found(t, []witness.Finding{{Kind: "unsigned", Position: 5}}, b.verify(t, b.pool))
	b.sign(t)
	found(t, nil, b.verify(t, b.pool))
}
