package foundation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/witness"
)

// CheckpointType is the CloudEvents type of a signed checkpoint on the topic of checkpoints.
const CheckpointType = "songan.checkpoint.v1"

// openWitness prepares signing checkpoints of the log, and of the register of readings: into files beside the data, and onto a
// topic of all services.
func (f *Foundation) openWitness(ctx context.Context) error {
	key, file := WitnessFiles(f.deps.Config, f.options.Service)
	err := witness.CreateKey(key, "songan-"+f.options.Service)
	if err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	signer, err := witness.LoadKey(key)
	if err != nil {
		return err
	}
	topic := f.Topic("checkpoints")
	if err := kafkabus.EnsureTopic(ctx, f.Bus, topic, 1, f.deps.Config.Replication); err != nil {
		return fmt.Errorf("make the topic of checkpoints: %w", err)
	}
	f.checkpoints = kafkabus.NewPublisher(f.Bus, kafkabus.PublisherOptions{})
	keeper := func(of witness.Source, origin, file string) (*witness.Keeper, error) {
		k := witness.NewKeeper(f.logPool, witness.Options{
			Of: of, Overhear: f.Log.Overhear, Origin: origin, Signer: signer, Now: f.deps.Now, Log: f.deps.Log, Rest: f.Pace.Rest,
			Publish: []func(context.Context, []byte) error{
				witness.ToFile(file),
				func(ctx context.Context, signed []byte) error { return f.publishCheckpoint(ctx, topic, origin, signed) },
			},
		})
		return k, f.tellAge(of, k)
	}
	if f.Witness, err = keeper(witness.Facts, Origin(f.options.Service), file); err != nil {
		return err
	}
	f.register, err = keeper(witness.Readings, OriginOfReadings(f.options.Service), file+OfReadings)
	return err
}

// tellAge makes a figure of how far behind a keeper is, until the foundation is closed.
func (f *Foundation) tellAge(of witness.Source, k *witness.Keeper) error {
	age := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "songan_witness_age_seconds", Help: "How long ago everything had a signed checkpoint.",
		ConstLabels: prometheus.Labels{"of": string(of)},
	}, func() float64 { return k.Age().Seconds() })
	if err := f.metrics.Register(age); err != nil {
		return fmt.Errorf("register the age of checkpoints: %w", err)
	}
	f.ages = append(f.ages, age)
	return nil
}

// Origin is how a service's log is named in its checkpoints.
func Origin(service string) string { return "songan/" + service }

// OriginOfReadings is how the register of a service's vault is named in its checkpoints.
func OriginOfReadings(service string) string { return Origin(service) + "/readings" }

// OfReadings is added to the name of the file of the log's checkpoints for those of the register.
const OfReadings = ".readings"

// WitnessFiles are the signing key and the file of checkpoints of a service. In the names that the configuration gives, {service}
// stands for the service's: a process may hold several.
func WitnessFiles(c service.Config, name string) (key, checkpoints string) {
	key = cmp.Or(c.WitnessKey, filepath.Join(c.Data, "witness-{service}.key"))
	checkpoints = cmp.Or(c.WitnessFile, filepath.Join(c.Data, "checkpoints-{service}.jsonl"))
	return strings.ReplaceAll(key, "{service}", name), strings.ReplaceAll(checkpoints, "{service}", name)
}

func (f *Foundation) publishCheckpoint(ctx context.Context, topic, origin string, signed []byte) error {
	id := watermill.NewUUID()
	m := message.NewMessageWithContext(ctx, id, signed)
	m.Metadata = message.Metadata{
		"ce_specversion": "1.0", "ce_id": id, "ce_type": CheckpointType, "ce_source": origin,
		"content-type": "text/plain; charset=utf-8", kafkabus.KeyMetadata: f.options.Service,
	}
	if err := f.checkpoints.Publish(topic, m); err != nil { //nolint:contextcheck // ctx is in the message
		return fmt.Errorf("publish checkpoint: %w", err)
	}
	return nil
}
