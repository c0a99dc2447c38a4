package witness_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/witness"
)

func TestTheRootIsThatOfRFC6962(t *testing.T) {
	t.Parallel()
	b := open(t)
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			found[i] = hashes[at]
		}
		return found, nil
	})
	leaves := 0
	for _, more := range []int{1, 2, 1020, 1, 1, 2048, 500} { // over the edges of chunks
		b.coin(t, more)
		c := b.sign(t)
		for ; leaves < int(c.Size); leaves++ {
			leaf := leafOf(t, b, int64(leaves+1))
			stored, err := tlog.StoredHashesForRecordHash(int64(leaves), leaf, reader)
			if err != nil {
				t.Fatal(err)
			}
			hashes = append(hashes, stored...)
		}
		want, err := tlog.TreeHash(c.Size, reader)
		if err != nil {
			t.Fatal(err)
		}
		if c.Root != want {
			t.Fatalf("root of %d facts differs", c.Size)
		}
	}
	if got := b.verify(t, b.pool); len(got.Findings) > 0 || got.Rows != int64(leaves) || got.Checkpoints != 7 {
		t.Fatalf("%+v", got)
	}
}

// leafOf reads a leaf where the keeper left it.
func leafOf(t *testing.T, b *bench, position int64) (leaf tlog.Hash) {
	t.Helper()
	const chunk = 1024
	var packed []byte
	err := b.pool.QueryRow(t.Context(), `select substr(leaves, $2, 32) from witness_leaves where chunk = $1`,
		(position-1)/chunk, (position-1)%chunk*32+1).Scan(&packed)
	if err != nil {
		t.Fatal(err)
	}
	copy(leaf[:], packed)
	return leaf
}

// A superuser of the database switches the triggers off and does what they like, a thousand times: each is found, and
// named by its position.
func TestEveryTamperingIsFound(t *testing.T) {
	t.Parallel()
	b := open(t)
	const facts = 1500
	for range 5 {
		b.coin(t, facts/5)
		b.sign(t)
	}
	dice := rand.New(rand.NewPCG(1, 2))
	found := map[string]int{}
	for range tamperings {
		position := 1 + dice.Int64N(facts)
		kind, query := tampering(dice.IntN(10), position, facts)
		tx, err := b.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `alter table events disable trigger all; alter table events drop constraint events_stream_version; `+query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		report := b.verify(t, tx)
		named := false
		for _, f := range report.Findings {
			named = named || f.Kind == kind && (f.Position == position || kind == "cut" || kind == "forged" || kind == "inserted")
		}
		if !named {
			t.Fatalf("%s\nwanted %s at %d, got %+v", query, kind, position, report.Findings)
		}
		found[kind]++
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%v", found)
	for _, kind := range []string{"changed", "removed", "inserted", "cut", "forged"} {
		if found[kind] == 0 {
			t.Errorf("nothing was %s in %d tamperings", kind, tamperings)
		}
	}
}

func tampering(kind int, position, facts int64) (finding, query string) {
	at := fmt.Sprintf(" where position = %d", position)
	switch kind {
	case 0:
		return "changed", `update events set data = '{"coins": 1000000}'` + at
	case 1:
		return "changed", `update events set meta = '{"actor": "officer:somebody", "occurred_at": "2020-01-01T00:00:00Z"}'` + at
	case 2:
		return "changed", `update events set recorded_at = recorded_at - interval '1 microsecond'` + at
	case 3:
		return "changed", `update events set stream = 'till-other'` + at
	case 4:
		return cutOr("removed", position == facts), `delete from events` + at
	case 5:
		return "cut", fmt.Sprintf(`delete from events where position >= %d`, position)
	case 6:
		return "inserted", `insert into events select 0, 'till-x', 1, type, data, meta, append, recorded_at from events` + at
	case 7: // the leaves are forged to fit
		return "forged", `update events set data = '{"coins": 1000000}'` + at + `; update witness_leaves set leaves = '' where chunk >= ` +
			fmt.Sprint((position-1)/1024) + `; delete from witness_leaves where leaves = ''`
	case 8: // one is put between others, which move up
		return "changed", fmt.Sprintf(`update events set position = -position - 1 where position >= %d; update events set position = -position where position < 0; `+
			`insert into events select %d, 'till-x', 1, type, data, meta, append, recorded_at from events where position = %d`, position, position, position+1)
	default: // the leaf alone
		return "changed", fmt.Sprintf(`update witness_leaves set leaves = overlay(leaves placing '\x00000000'::bytea from %d) where chunk = %d`,
			(position-1)%1024*32+1, (position-1)/1024)
	}
}

func cutOr(kind string, cut bool) string {
	if cut {
		return "cut"
	}
	return kind
}

func TestAReceiptProvesOneFactOffline(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.coin(t, 3000)
	c := b.sign(t)
	b.coin(t, 1)
	if _, err := b.keeper.Receipt(t.Context(), 3001); !errors.Is(err, witness.ErrNotYet) {
		t.Fatalf("got %v for a fact without a checkpoint", err)
	}
	for _, position := range []int64{1, 2, 1024, 1025, 2999, 3000} {
		receipt, err := b.keeper.Receipt(t.Context(), position)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(receipt)
		if err != nil {
			t.Fatal(err)
		}
		var carried witness.Receipt // on paper, by mail, by a court
		if err := json.Unmarshal(text, &carried); err != nil {
			t.Fatal(err)
		}
		on, err := carried.Verify(b.verifiers)
		if err != nil || on.Size != c.Size || on.Root != c.Root || on.Origin != origin {
			t.Fatalf("position %d: %v, %+v", position, err, on)
		}
		for name, forge := range map[string]func(*witness.Receipt){
			"data":     func(r *witness.Receipt) { r.Data = `{"coins": 1}` + " " },
			"position": func(r *witness.Receipt) { r.Position++ },
			"stream":   func(r *witness.Receipt) { r.Stream = "till-other" },
			"time":     func(r *witness.Receipt) { r.RecordedAt = r.RecordedAt.Add(time.Microsecond) },
			"meta":     func(r *witness.Receipt) { r.Meta = strings.Repeat("0", 64) },
			"proof":    func(r *witness.Receipt) { r.Proof = r.Proof[1:] },
			"size":     func(r *witness.Receipt) { r.Checkpoint = strings.Replace(r.Checkpoint, "\n3000\n", "\n3001\n", 1) },
		} {
			forged := carried
			forge(&forged)
			if _, err := forged.Verify(b.verifiers); !errors.Is(err, witness.ErrForged) {
				t.Errorf("position %d with another %s: %v", position, name, err)
			}
		}
	}
	stranger := open(t)
	receipt, err := b.keeper.Receipt(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := receipt.Verify(stranger.verifiers); !errors.Is(err, witness.ErrForged) {
		t.Errorf("somebody else's key: %v", err)
	}
}

func TestKeepersTakeTurnsAndGoOnAfterARestart(t *testing.T) {
	t.Parallel()
	b := open(t)
	keepers := []*witness.Keeper{b.keeper, b.another(), b.another()}
	for i := range 30 {
		b.coin(t, 90)
		if i%7 == 0 {
			keepers[i%3] = b.another()
		}
		if c, err := keepers[i%3].Sign(t.Context()); err != nil || c.Size != int64(90*(i+1)) {
			t.Fatalf("%+v, %v", c, err)
		}
	}
	if got := b.verify(t, b.pool); len(got.Findings) > 0 || got.Checkpoints != 30 {
		t.Fatalf("%+v", got)
	}
}

func TestAPublisherThatFailsGetsTheNextCheckpoint(t *testing.T) {
	t.Parallel()
	b := open(t)
	away, published := true, 0
	k := b.another(func(context.Context, []byte) error {
		if away {
			return errors.New("the topic is away")
		}
		published++
		return nil
	})
	b.coin(t, 3)
	if _, err := k.Sign(t.Context()); err == nil {
		t.Fatal("nobody heard")
	}
	away = false
	for range 2 { // the second has nothing new
		if c, err := k.Sign(t.Context()); err != nil || c.Size != 3 {
			t.Fatalf("%+v, %v", c, err)
		}
	}
	if published != 1 {
		t.Fatalf("published %d times", published)
	}
}

func TestAKeeperDoesNotSignALogWithAHole(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.coin(t, 10)
	if _, err := b.pool.Exec(t.Context(), `alter table events disable trigger all; delete from events where position = 4`); err != nil {
		t.Fatal(err)
	}
	if err := b.keeper.Run(t.Context()); !errors.Is(err, witness.ErrTampered) {
		t.Fatal(err)
	}
}

func TestAKeeperSignsAsLongAsItRuns(t *testing.T) {
	t.Parallel()
	b := open(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.keeper.Run(ctx) }()
	for want := 1; want <= 3; want++ {
		b.coin(t, 5)
		testkit.Eventually(t, func() error {
			all, err := witness.ReadFile(b.file, b.verifiers)
			if err == nil && (len(all) == 0 || all[len(all)-1].Size < int64(5*want)) {
				err = errors.New("not signed yet")
			}
			return err
		})
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestAFileThatSomebodyHasBeenAtIsNotBelieved(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.coin(t, 2)
	b.sign(t)
	b.coin(t, 1)
	b.sign(t)
	text, err := os.ReadFile(b.file)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		text string
		want int // checkpoints; 0 for an error
	}{
		"as it is":                 {string(text), 2},
		"torn by a crash":          {string(text[:len(text)-20]), 1},
		"another size":             {strings.Replace(string(text), `\n2\n`, `\n1\n`, 1), 0},
		"a line of somebody":       {"hello\n" + string(text), 0},
		"a note of somebody":       {`"songan/till\n2\nAAAA\ntime 2026-01-01T00:00:00Z\n\n— x y\n"` + "\n" + string(text), 0},
		"nothing":                  {"", -1},
		"a line that is too long ": {strings.Repeat("a", 20_000), 0},
	} {
		if err := os.WriteFile(b.file, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := witness.ReadFile(b.file, b.verifiers)
		if (err != nil) != (test.want == 0) || test.want > 0 && len(all) != test.want {
			t.Errorf("%s: %d checkpoints, %v", name, len(all), err)
		}
	}
}

// A good signature makes no checkpoint of another text.
func TestASignedTextThatIsNoCheckpointIsRefused(t *testing.T) {
	t.Parallel()
	b := open(t)
	root := strings.Repeat("A", 43) + "="
	for text, good := range map[string]bool{
		origin + "\n7\n" + root + "\ntime 2026-11-22T08:00:00Z\n":   true,
		origin + "\n7\n" + root + "\n":                              false,
		origin + "\n7\n" + root + "\ntime 2026-11-22T08:00:00Z\n\n": false,
		origin + "\n-7\n" + root + "\ntime 2026-11-22T08:00:00Z\n":  false,
		origin + "\n7\nAAAA\ntime 2026-11-22T08:00:00Z\n":           false,
		origin + "\n7\n" + root + "\ntime today\n":                  false,
	} {
		signed, err := note.Sign(&note.Note{Text: text}, b.signer)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := witness.ParseCheckpoint(signed, b.verifiers); (err == nil) != good {
			t.Errorf("%q: %+v %v", text, c, err)
		}
	}
}

func TestACheckpointOfAnotherLogIsForeign(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.coin(t, 2)
	c := b.sign(t)
	c.Origin = "songan/other"
	report, err := witness.Verify(t.Context(), b.pool, origin, []witness.Checkpoint{c})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]witness.Finding{{Kind: "foreign", Checkpoint: 2}, {Kind: "unsigned"}}, report.Findings); diff != "" {
		t.Fatal(diff)
	}
}

func TestAKeyThatOthersCanReadIsRefused(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/key"
	if err := witness.CreateKey(path, "till.example"); err != nil {
		t.Fatal(err)
	}
	if err := witness.CreateKey(path, "till.example"); !errors.Is(err, os.ErrExist) {
		t.Fatalf("a second key replaced the first: %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := witness.LoadKey(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Fatal(err)
	}
}
