package foundation_test

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/witness"
)

// What a service signs about its log, and about who read whom, goes onto a topic of the cluster and into files, and says the same
// in both.
func TestCheckpointsGoToTheTopicAndToFiles(t *testing.T) {
	t.Parallel()
	d := deps(t)
	f, err := foundation.Open(t.Context(), d, options())
	if err != nil {
		t.Fatal(err)
	}
	run(t, f)
	tellsAges(t, d)
	if _, err := f.Log.Append(t.Context(), eventstore.Append{Stream: "bell-1", Facts: []events.Event{rung{Bell: "big"}}}); err != nil {
		t.Fatal(err)
	}
	why := vault.Reading{Actor: "officer:lan", Purpose: "identity_check", Case: "1"}
	if _, err := f.Vault.FindByDocument(t.Context(), why, "001090123456"); err != nil {
		t.Fatal(err)
	}
	verifiers, err := witness.LoadVerifier(filepath.Join(d.Config.Data, "witness-tower.key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(d.Config.Data, "checkpoints-tower.jsonl")
	for origin, file := range map[string]string{"songan/tower": file, "songan/tower/readings": file + ".readings"} {
		var sent []witness.Checkpoint
		testkit.Eventually(t, func() error {
			sent = nil
			for _, r := range checkpoints(t, f, d.Config.Topics+".checkpoints.v1") {
				c, err := witness.ParseCheckpoint(r.note, verifiers)
				if err != nil {
					t.Fatal(err)
				}
				if r.source == origin {
					sent = append(sent, c)
				}
			}
			if len(sent) == 0 || sent[len(sent)-1].Size != 1 || sent[len(sent)-1].Origin != origin {
				return fmt.Errorf("%s: %+v", origin, sent)
			}
			return nil
		})
		kept, err := witness.ReadFile(file, verifiers)
		if err != nil {
			t.Fatal(err)
		}
		for len(kept) > len(sent) { // what could not be published was signed once more
			if again := kept[1]; kept[0].Size != again.Size || kept[0].Root != again.Root {
				t.Errorf("%s: not published: %+v", origin, kept[0])
			}
			kept = kept[1:]
		}
		if diff := cmp.Diff(sent, kept); diff != "" {
			t.Errorf("%s: (-topic +file)\n%s", origin, diff)
		}
	}
}

// tellsAges looks for how old the checkpoints of the log and of the register are.
func tellsAges(t *testing.T, d service.Deps) {
	t.Helper()
	families, err := d.Metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var of []string
	for _, family := range families {
		if family.GetName() != "songan_witness_age_seconds" {
			continue
		}
		for _, m := range family.GetMetric() {
			if age := m.GetGauge().GetValue(); age < 0 || age > time.Hour.Seconds() {
				t.Errorf("%v seconds", age)
			}
			of = append(of, m.GetLabel()[0].GetValue())
		}
	}
	if diff := cmp.Diff([]string{"facts", "readings"}, of); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Services of one process have files of their own wherever the configuration puts them.
func TestFilesOfAWitnessAreNamedAfterTheService(t *testing.T) {
	t.Parallel()
	for _, c := range []service.Config{{Data: "/far"}, {WitnessKey: "/far/witness-{service}.key", WitnessFile: "/far/checkpoints-{service}.jsonl"}} {
		if key, file := foundation.WitnessFiles(c, "tower"); key != "/far/witness-tower.key" || file != "/far/checkpoints-tower.jsonl" {
			t.Error(key, file)
		}
	}
}

// sent is a checkpoint on the topic, and whose it says that it is.
type sent struct {
	source string
	note   []byte
}

func checkpoints(t *testing.T, f *foundation.Foundation, topic string) (all []sent) {
	t.Helper()
	answer, err := f.Bus.Client().Fetch(t.Context(), &kafka.FetchRequest{
		Topic: topic, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	for {
		record, err := answer.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		value, err := kafka.ReadAll(record.Value)
		if err != nil {
			t.Fatal(err)
		}
		one := sent{note: value}
		for _, h := range record.Headers {
			if h.Key == "ce_source" {
				one.source = string(h.Value)
			}
		}
		all = append(all, one)
	}
}
