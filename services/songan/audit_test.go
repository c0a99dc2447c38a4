package songan_test

import (
	"bytes"
	"context"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/services/songan/internal/demo/payday"
)

// A dong is added to what a list says that a bank was told to pay, by somebody whom the database lets do everything. The command
// ends with 1, and says which invariants fail.
func TestAnAuditOfAForgedLogFails(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	t.Parallel()
	m := newMachine(t)
	m.start(t)
	const people = 24
	o := m.payday(t, "forged", people)
	o.Out = &bytes.Buffer{}
	if err := payday.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	m.audit(t)
	conn, err := pgx.Connect(t.Context(), strings.Replace(m.demo.Postgres, "/postgres?", "/disbursement?", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	const forge = `alter table events disable trigger all;
update events set data = (data::jsonb || jsonb_build_object('amount', (data->>'amount')::bigint + 1))::json
 where position = (select min(position) from events where type = 'disbursement.payment_released.v1');
alter table events enable trigger all`
	if _, err := conn.Exec(t.Context(), forge); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), m.binary, "audit")
	command.Env = m.env
	said, err := command.CombinedOutput()
	if err == nil || command.ProcessState.ExitCode() != 1 {
		t.Errorf("the command ends with %v", err)
	}
	for _, line := range []string{"I1 +FAIL", "I5 +FAIL", "I2 +ok", "I14 +ok"} {
		if !regexp.MustCompile("(?m)^" + line).Match(said) {
			t.Errorf("no line %s in\n%s", line, said)
		}
	}
}
