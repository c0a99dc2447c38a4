// Package songan is the command: every service in one process, and the operators' tools.
package songan

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"

	"github.com/alecthomas/kong"

	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/services/songan/internal/bench"
	"github.com/songan-vn/songan/services/songan/internal/demo"
	"github.com/songan-vn/songan/services/songan/internal/office"
	"github.com/songan-vn/songan/services/songan/internal/onemachine"
)

// commands is the command line.
type commands struct {
	Run    runCommand    `cmd:"" default:"1" help:"Run the whole system in this process (the default)."`
	Demo   demoCommand   `cmd:"" help:"Play an evening and a payday of a province against the running system."`
	Key    keyCommand    `cmd:"" help:"Operators' keys in a file: add (the default), list, rotate, revoke. A running system sees the change within a second."`
	CA     caCommand     `cmd:"" name:"ca" help:"Make certificates for a demonstration of mutual TLS: an authority, a server, clients."`
	Config configCommand `cmd:"" help:"Print the configuration that this environment makes, without secrets."`
	Bench  benchCommand  `cmd:"" help:"Measure this machine, with ratios against baselines of the same run."`

	Audit auditCommand `cmd:"" help:"Recompute the invariants of money from the logs alone; fails when one does not hold."`

	Verify       verifyCommand  `cmd:"" help:"Compare the logs with their signed checkpoints; fails when somebody has been at one."`
	CheckReceipt receiptCommand `cmd:"" help:"Verify a receipt from standard input, offline."`

	Erase          eraseCommand     `cmd:"" help:"Erase a person, whose document's number is read from standard input, and print the proof."`
	AccessReport   reportCommand    `cmd:"" help:"Print who read a person, whose document's number is read from standard input."`
	Breach         breachCommand    `cmd:"" help:"Print whom a key has read in a time."`
	Retention      retentionCommand `cmd:"" help:"Print what is kept about people, for how long, by which law, and what is due."`
	Requests       requestsCommand  `cmd:"" help:"Print what people asked about their data and was not answered; fails when an answer is overdue."`
	SealVault      sealCommand      `cmd:"" help:"Seal vaults' key files with the key of SONGAN_VAULT_KMS."`
	RotateVault    rotateCommand    `cmd:"" help:"Give the vaults new master keys; with --retire, drop the older ones."`
	ReplayErasures replayCommand    `cmd:"" help:"Erase again what a restored backup has brought back."`
}

type runCommand struct {
	Profile string `help:"Write what the processor did, all the while, to this file: for pprof, and for the compiler (make profile)." placeholder:"FILE"`
}

// Run runs until it is asked to stop.
func (r runCommand) Run(ctx context.Context) (err error) {
	if r.Profile != "" {
		file, openErr := os.OpenFile(r.Profile, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if openErr != nil {
			return fmt.Errorf("make the profile's file: %w", openErr)
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			return fmt.Errorf("begin the profile: %w", err)
		}
		defer func() {
			pprof.StopCPUProfile()
			err = errors.Join(err, file.Close())
		}()
	}
	return onemachine.Run(ctx, os.Stdout)
}

type demoCommand struct{ demo.Args }

// Run plays them and fails when a figure differs.
func (d demoCommand) Run(ctx context.Context) error { return demo.Run(ctx, d.Args, os.Stdout) }

type benchCommand struct{ bench.Args }

// Run measures and fails when a figure is below its bar.
func (b benchCommand) Run(ctx context.Context) error { return bench.Run(ctx, b.Args, os.Stdout) }

type auditCommand struct{ office.Audit }

// Run audits, and fails when an invariant does not hold.
func (a auditCommand) Run(ctx context.Context) error { return a.Do(ctx, os.Stdout) }

type verifyCommand struct{ office.Verify }

// Run verifies, and fails when a log is not what was signed.
func (v verifyCommand) Run(ctx context.Context) error { return v.Do(ctx, os.Stdout) }

type receiptCommand struct{ office.CheckReceipt }

// Run verifies a receipt.
func (r receiptCommand) Run() error { return r.Do(os.Stdin, os.Stdout) }

type eraseCommand struct{ office.Erase }

// Run erases, and fails when something is on hold.
func (e eraseCommand) Run(ctx context.Context) error { return e.Do(ctx, os.Stdin, os.Stdout) }

type reportCommand struct{ office.AccessReport }

// Run reports.
func (r reportCommand) Run(ctx context.Context) error { return r.Do(ctx, os.Stdin, os.Stdout) }

type breachCommand struct{ office.Breach }

// Run reports.
func (b breachCommand) Run(ctx context.Context) error { return b.Do(ctx, os.Stdout) }

type retentionCommand struct{ office.Retention }

// Run reports, and fails when something is kept that no rule speaks of.
func (r retentionCommand) Run(ctx context.Context) error { return r.Do(ctx, os.Stdout) }

type requestsCommand struct{ office.Requests }

// Run reports, and fails when an answer is overdue.
func (r requestsCommand) Run(ctx context.Context) error { return r.Do(ctx, os.Stdout) }

type sealCommand struct{ office.SealVault }

// Run seals.
func (s sealCommand) Run(ctx context.Context) error { return s.Do(ctx) }

type rotateCommand struct{ office.RotateVault }

// Run rotates, and fails when a key would be lost.
func (r rotateCommand) Run(ctx context.Context) error { return r.Do(ctx, os.Stdout) }

type replayCommand struct{ office.Replay }

// Run replays, and fails when a line of a ledger is damaged.
func (r replayCommand) Run(ctx context.Context) error { return r.Do(ctx, os.Stdout) }

// Main runs a command and returns the status for the shell.
func Main(args []string) int {
	var c commands
	parser, err := kong.New(&c, kong.Name("songan"), kong.Description("Song An: accommodation notices and social security without cash."))
	if err != nil {
		panic(err) //nolint:forbidigo // the struct above is wrong, and every test would find it
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "songan:", err)
		return usage
	}
	ctx, stop := service.Signals(context.Background(), os.Stderr)
	defer stop()
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "songan:", telemetry.ErrText(err))
		return failure
	}
	return 0
}

// The statuses for the shell.
const (
	failure = 1
	usage   = 2
)
