package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/foundation"
	configured "github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/witness"
)

// Verify compares logs with what was signed about them.
type Verify struct {
	Data     string   `help:"Data directory: public keys and files of checkpoints; demo.json of a running system." env:"SONGAN_DATA" default:".songan"`
	Database string   `help:"The server's URL; that of the running system in the data directory if it is left out." env:"DATABASE_URL"`
	Services []string `help:"The services whose logs are meant." default:"accommodation,identity,accounts,bankgateway,disbursement"`
}

// Verified is what was found about one log, and about the register of who read whom.
type Verified struct {
	Service string `json:"service"`
	witness.Report

	Readings witness.Report `json:"readings"`
}

var errFound = errors.New("a log, or a register, is not what was signed: see the findings")

// Do prints a report for each log and errs if one is not what was signed, or if what stands in it was not signed.
func (v Verify) Do(ctx context.Context, out io.Writer) error {
	reports, found := []Verified{}, false
	for _, service := range v.Services {
		report, err := v.verify(ctx, service)
		if err != nil {
			return fmt.Errorf("verify %s: %w", service, err)
		}
		reports = append(reports, report)
		found = found || len(report.Findings)+len(report.Readings.Findings) > 0
	}
	if err := write(out, reports); err != nil {
		return err
	}
	if found {
		return errFound
	}
	return nil
}

// verify reads one log and its register in one snapshot, so that they may be in use meanwhile.
func (v Verify) verify(ctx context.Context, service string) (found Verified, err error) {
	found.Service = service
	config, err := configured.Load[configured.Config]()
	if err != nil {
		return found, err
	}
	config.Data = v.Data
	key, file := foundation.WitnessFiles(config, service)
	verifiers, err := witness.LoadVerifier(key + ".pub")
	if err != nil {
		return found, fmt.Errorf("the log's public key: %w", err)
	}
	ofLog, logErr := witness.ReadFile(file, verifiers)
	ofReadings, err := witness.ReadFile(file+foundation.OfReadings, verifiers)
	if err := errors.Join(logErr, err); err != nil {
		return found, fmt.Errorf("its checkpoints: %w", err)
	}
	address, err := Place{Data: v.Data, Database: v.Database}.address(service)
	if err != nil {
		return found, err
	}
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return found, fmt.Errorf("connect: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, conn, snapshot, func(tx pgx.Tx) error {
		if found.Report, err = witness.Verify(ctx, tx, foundation.Origin(service), ofLog); err != nil {
			return err
		}
		found.Readings, err = witness.Readings.Verify(ctx, tx, foundation.OriginOfReadings(service), ofReadings)
		return err
	})
	return found, err
}

// CheckReceipt verifies a receipt offline: with the public key of the log alone.
type CheckReceipt struct {
	Key string `help:"Public key of the log (witness-<service>.key.pub)." required:""`
}

// Do reads a receipt and says what it proves.
func (c CheckReceipt) Do(in io.Reader, out io.Writer) error {
	verifiers, err := witness.LoadVerifier(c.Key)
	if err != nil {
		return err
	}
	var receipt witness.Receipt
	if err := json.NewDecoder(in).Decode(&receipt); err != nil {
		return errors.New("standard input holds no receipt")
	}
	checkpoint, err := receipt.Verify(verifiers)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s of %s was recorded as position %d of %s at %s, before %s.\n", receipt.Type, receipt.Stream,
		receipt.Position, checkpoint.Origin, receipt.RecordedAt.Format("2006-01-02 15:04:05 MST"), checkpoint.At.Format("2006-01-02 15:04:05 MST"))
	return err //nolint:wrapcheck // standard output
}
