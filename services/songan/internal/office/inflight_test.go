package office

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vault"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

func TestWhoIsPaidNowCannotBeErased(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	asked := []vault.Ref{"paid", "holder", "settled", "elsewhere"}
	if got, err := inFlight(t.Context(), pool, asked); err != nil || len(got) > 0 {
		t.Fatalf("before there are payments: %v, %v", got, err)
	}
	_, err := pool.Exec(t.Context(), `
create table beneficiaries (beneficiary text, person text, holder text, representatives text[]);
create table payments (payment text, beneficiary text, status text);
insert into beneficiaries values ('b1', 'paid', 'paid', '{}'), ('b2', 'child', 'holder', '{holder}'), ('b3', 'settled', 'settled', '{}');
insert into payments values ('p1', 'b1', 'credited'), ('p2', 'b1', 'released'), ('p3', 'b2', 'unknown'), ('p4', 'b3', 'credited')`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := inFlight(t.Context(), pool, asked)
	if diff := cmp.Diff([]vault.Ref{"paid", "holder"}, got); err != nil || diff != "" {
		t.Fatal(diff, err)
	}
}
