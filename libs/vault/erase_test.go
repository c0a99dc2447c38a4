package vault_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	kafkago "github.com/segmentio/kafka-go"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vault"
)

// tables are all that the vault has in the database, whatever a later migration adds.
func (h *house) tables(t *testing.T) []string {
	t.Helper()
	const query = `
select relname::text from pg_class
 where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and relname like 'vault%'
 order by relname`
	rows, err := h.pool.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// backup copies all tables, as a dump would.
func (h *house) backup(t *testing.T) {
	t.Helper()
	for _, table := range h.tables(t) {
		exec(t, h.pool, "create table backup_"+table+" as table "+table)
	}
}

// restore puts the tables back as they were.
func (h *house) restore(t *testing.T) {
	t.Helper()
	for _, table := range h.tables(t) {
		exec(t, h.pool, "truncate "+table)
		exec(t, h.pool, "insert into "+table+" overriding system value table backup_"+table)
	}
}

// dump is everything that stands in the tables, as text.
func (h *house) dump(t *testing.T, of ...string) string {
	t.Helper()
	text := strings.Builder{}
	for _, table := range of {
		rows, err := h.pool.Query(t.Context(), "select x::text from "+table+" x")
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(strings.Join(lines, "\n"))
	}
	return text.String()
}

func (h *house) replay(t *testing.T) vault.Replayed {
	t.Helper()
	file, err := os.Open(h.ledger())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	done, err := h.ReplayErasures(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestAfterAnErasureNothingCanBeReadAnywhere is the conformance test of the vault: tables, log, ledger, Kafka, and
// again after a restore.
func TestAfterAnErasureNothingCanBeReadAnywhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row := h.seal(t, tuyet(), vault.Index{Document: number, Name: folded}, time.Time{})
	other := h.seal(t, binh(), vault.Index{}, time.Time{})
	broker := testkit.Kafka(t)
	topic := testkit.Topic(t, broker, 1)
	publish(t, h, broker, topic, row)
	h.leaveTraces(t, row)
	h.backup(t)

	if err := h.Erase(t.Context(), asked(), row.Ref); err != nil {
		t.Fatal(err)
	}

	h.mustName(t, string(row.Ref), "vault_erasures", "vault_holds", "vault_readings")
	h.mustName(t, "2026/7", "vault_requests")
	h.mustName(t, "proofs.2020", "vault_retention")
	seen := map[string]string{
		"tables": h.dump(t, h.tables(t)...), "log": h.log.String(), "ledger": readFile(t, h.ledger()),
		"Kafka": consume(t, broker, topic),
	}
	for place, text := range seen {
		for _, secret := range []string{
			tuyet().Name, "Tuyết", "Tuy\\u1ebft", tuyet().Phone, number, folded,
			hex.EncodeToString(row.Ciphertext), hex.EncodeToString(row.DocumentIndex), hex.EncodeToString(row.NameIndex),
		} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: %q can be read in %s", place, secret, text)
			}
		}
	}
	if !strings.Contains(seen["Kafka"], string(row.Ref)) || !strings.Contains(seen["log"], `"erased"`) ||
		!strings.Contains(seen["log"], `"careless"`) {
		t.Errorf("the places were not looked at: %v", seen)
	}
	h.mustBeGone(t, row, other)

	h.restore(t)
	if diff := cmp.Diff(map[vault.Ref]person{row.Ref: tuyet(), other.Ref: binh()}, read(t, h.Vault, row.Ref, other.Ref)); diff != "" {
		t.Errorf("the backup was no backup: %s", diff)
	}
	if diff := cmp.Diff(vault.Replayed{Refs: 2, Rows: 1}, h.replay(t)); diff != "" { // what the term took was not in the backup
		t.Error(diff)
	}
	h.mustBeGone(t, row, other)
	if diff := cmp.Diff(vault.Replayed{Refs: 2}, h.replay(t)); diff != "" { // as often as you like
		t.Error(diff)
	}
}

// leaveTraces has a person read, held, answered and partly erased by a term, so that every table that may name them does.
func (h *house) leaveTraces(t *testing.T, row vault.Row) {
	t.Helper()
	old, err := h.Seal("line_proof", tuyet(), vault.Index{Document: number, Name: folded}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	insert(t, h.pool, old)
	term := vault.Term{Rule: "proofs.2020", LegalBasis: "Luật Kế toán", Purpose: old.Purpose, Before: evening().Add(time.Millisecond)}
	if gone := h.retain(t, term); gone != 1 {
		t.Fatalf("a term took %d", gone)
	}
	if err := h.Hold(t.Context(), held(evening()), row.Ref); err != nil {
		t.Fatal(err)
	}
	if answer := h.reply(t, h.receive(t, vault.RequestAccess, "2026/7", number)); answer.Outcome != vault.OutcomeReported {
		t.Fatalf("%+v", answer)
	}
}

// mustName checks that a table was looked at: it says something of what it is about.
func (h *house) mustName(t *testing.T, what string, tables ...string) {
	t.Helper()
	for _, table := range tables {
		if text := h.dump(t, table); !strings.Contains(text, what) {
			t.Errorf("%s does not name %s: %s", table, what, text)
		}
	}
}

// mustBeGone checks that gone cannot be read or found, is said to be erased, and that other stayed.
func (h *house) mustBeGone(t *testing.T, gone, other vault.Row) {
	t.Helper()
	if diff := cmp.Diff(map[vault.Ref]person{other.Ref: binh()}, read(t, h.another(t), gone.Ref, other.Ref)); diff != "" {
		t.Error(diff)
	}
	if found, err := h.FindByDocument(t.Context(), reading(), number); err != nil || len(found) > 0 {
		t.Errorf("found %v, %v", found, err)
	}
	erased, err := h.Erased(t.Context(), gone.Ref, other.Ref)
	if err != nil {
		t.Fatal(err)
	}
	want := map[vault.Ref]vault.Erased{gone.Ref: {At: evening(), Reason: "subject_request"}}
	if diff := cmp.Diff(want, erased); diff != "" {
		t.Error(diff)
	}
	if text := h.dump(t, "vault"); strings.Contains(text, hex.EncodeToString(gone.Ciphertext)) {
		t.Error("the ciphertext is still there")
	}
}

// publish sends what a service sends about a person, and what a careless one would.
func publish(t *testing.T, h *house, broker testkit.Broker, topic string, row vault.Row) {
	t.Helper()
	opened, err := h.Read(t.Context(), reading(), row.Ref)
	if err != nil {
		t.Fatal(err)
	}
	careless, err := json.Marshal(map[string]any{"guest": row.Ref, "whole": opened})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := broker.Client().Produce(t.Context(), &kafkago.ProduceRequest{
		Topic: topic, RequiredAcks: kafkago.RequireAll,
		Records: kafkago.NewRecordReader(kafkago.Record{Key: kafkago.NewBytes([]byte("notice-1")), Value: kafkago.NewBytes(careless)}),
	})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		t.Fatal(err)
	}
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	bare := zap.New(zapcore.NewCore(encoder, zapcore.AddSync(h.log), zap.DebugLevel)) // with nobody to redact it
	bare.Info("careless", zap.Any("opened", opened), zap.Any("one", opened[row.Ref]))
}

func consume(t *testing.T, broker testkit.Broker, topic string) string {
	t.Helper()
	reader := kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: broker.Addrs, Topic: topic, Dialer: broker.Dialer, MaxWait: 100 * time.Millisecond, ReadLagInterval: -1,
	})
	defer func() { _ = reader.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	message, err := reader.ReadMessage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return string(message.Key) + string(message.Value)
}

func TestALedgerThatCannotBeWrittenStopsTheErasure(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row := h.seal(t, tuyet(), vault.Index{}, evening().Add(time.Second))
	if err := os.Mkdir(h.ledger(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := h.Erase(t.Context(), asked(), row.Ref); err == nil {
		t.Error("an erasure was committed that no restore would know of")
	}
	if got := read(t, h.Vault, row.Ref); len(got) != 1 {
		t.Error("the row is gone, and the ledger does not say so")
	}
	if _, err := h.Sweep(t.Context(), evening().Add(time.Minute)); err == nil {
		t.Error("a sweep erased without a ledger")
	}
	if n := count(t, h.pool, `select count(*) from vault`); n != 1 {
		t.Error("a sweep deleted without a ledger")
	}
}

func TestTheLedgerIsOnDiskBeforeTheErasureIsCommitted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row := h.seal(t, tuyet(), vault.Index{}, time.Time{})
	exec(t, h.pool, `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'crash'; end $$`)
	exec(t, h.pool, `create constraint trigger refuse after insert on vault_erasures deferrable initially deferred
		for each row execute function refuse()`)
	if err := h.Erase(t.Context(), asked(), row.Ref); err == nil {
		t.Fatal("the commit went through")
	}
	exec(t, h.pool, `drop trigger refuse on vault_erasures`)
	if got := read(t, h.Vault, row.Ref); len(got) != 1 {
		t.Error("a row was deleted without a commit")
	}
	if diff := cmp.Diff(vault.Replayed{Refs: 1, Rows: 1}, h.replay(t)); diff != "" {
		t.Error(diff)
	}
}

func TestTheLedgerHoldsReferencesAndNothingElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row := h.seal(t, tuyet(), vault.Index{Document: number}, time.Time{})
	if err := h.Erase(t.Context(), asked(), row.Ref, row.Ref); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"ref":"%s","at":"2026-11-21T22:00:00+07:00","actor":"officer:lan","reason":"subject_request"}`+"\n", row.Ref)
	if diff := cmp.Diff(want, readFile(t, h.ledger())); diff != "" {
		t.Error(diff)
	}
	if mode, err := os.Stat(h.ledger()); err != nil || mode.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", mode.Mode(), err)
	}
}

func TestADamagedLineStopsNoOtherErasure(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a, b := h.seal(t, tuyet(), vault.Index{}, time.Time{}), h.seal(t, tuyet(), vault.Index{}, time.Time{})
	h.backup(t)
	if err := os.WriteFile(h.ledger(), []byte("\n{\"ref\":\"019a\nNguyễn\n{\"ref\":\"019a0000-0000-7000-8000-0000"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []vault.Ref{a.Ref, b.Ref} { // the first goes on a line of its own behind the one that was cut off
		if err := h.Erase(t.Context(), asked(), ref); err != nil {
			t.Fatal(err)
		}
	}
	h.restore(t)

	done, err := h.ReplayErasures(t.Context(), strings.NewReader(readFile(t, h.ledger())))

	if diff := cmp.Diff(vault.Replayed{Refs: 2, Rows: 2}, done); diff != "" {
		t.Error(diff)
	}
	if err == nil || !strings.Contains(err.Error(), "3 damaged lines, the first at [2 3 4]") || strings.Contains(err.Error(), "Nguyễn") {
		t.Errorf("got %v", err)
	}
}

func TestALedgerOfAnotherKindIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if _, err := h.ReplayErasures(t.Context(), strings.NewReader(strings.Repeat("x", 100_000))); err == nil {
		t.Error("an endless line was taken for a ledger")
	}
	for _, line := range []string{
		`{"month":"2026-13","at":"2026-11-21T22:00:00Z","actor":"a","reason":"r"}`,
		`{"at":"2026-11-21T22:00:00Z","actor":"a","reason":"r"}`,
		`{"month":"2026-01","actor":"a","reason":"r"}`,
		`{"month":"2026-01","at":"2026-11-21T22:00:00Z","reason":"r"}`,
		`{"month":"2026-01","ref":"019a0000-0000-7000-8000-000000000000","at":"2026-11-21T22:00:00Z","actor":"a","reason":"r"}x`,
	} {
		if done, err := h.ReplayErasures(t.Context(), strings.NewReader(line)); err == nil {
			t.Errorf("%s gave %+v", line, done)
		}
	}
}

func TestErasuresThatOverlapDoNotBlockEachOther(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	refs := make([]vault.Ref, 60)
	for i := range refs {
		refs[i] = h.seal(t, tuyet(), vault.Index{}, evening()).Ref
	}
	var erasers sync.WaitGroup
	for i := range 8 {
		v := h.another(t)
		erasers.Go(func() {
			for j := range 6 {
				mine := append([]vault.Ref{}, refs[j*10:]...)
				if i%2 == 1 {
					for a, b := 0, len(mine)-1; a < b; a, b = a+1, b-1 {
						mine[a], mine[b] = mine[b], mine[a]
					}
				}
				if err := v.Erase(t.Context(), asked(), mine...); err != nil {
					t.Error(err)
				}
			}
		})
		erasers.Go(func() {
			if _, err := v.Sweep(t.Context(), evening().Add(time.Second)); err != nil {
				t.Error(err)
			}
		})
	}
	erasers.Wait()
	if left, known := count(t, h.pool, `select count(*) from vault`), count(t, h.pool, `select count(*) from vault_erasures`); left != 0 || known != 60 {
		t.Errorf("%d rows left, %d erasures", left, known)
	}
}

func TestErasingNothingIsFine(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if err := h.Erase(t.Context(), asked()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(h.ledger()); !os.IsNotExist(err) {
		t.Errorf("%s was written: %v", filepath.Base(h.ledger()), err)
	}
	for _, e := range []vault.Erasure{{}, {Actor: "officer:lan"}, {Actor: "officer:lan", Reason: "Tuyết asked"}, {Reason: "subject_request"}} {
		if err := h.Erase(t.Context(), e, "019a0000-0000-7000-8000-000000000000"); err == nil {
			t.Errorf("%+v was accepted", e)
		}
		if err := h.DestroyMonth(t.Context(), e, "2026-01"); err == nil {
			t.Errorf("%+v was accepted", e)
		}
	}
}
