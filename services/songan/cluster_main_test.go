package songan_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/songan-vn/songan/libs/embedded/kafka"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/simulators/bank"
)

// The parts that this test binary can play as a process of its own.
const (
	roleRun    = "run"
	roleBroker = "broker"
	roleBank   = "bank"
)

func TestMain(m *testing.M) {
	testkit.Main(m, testkit.Roles{roleRun: runProgram, roleBroker: runBroker, roleBank: runBank})
}

// runProgram becomes the program of args[0], with the environment of the file args[1] and nothing else, and with its output
// at the end of the file args[2]. It stays the same process, so that a kill hits the program itself.
func runProgram(_ context.Context, args []string) error {
	data, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	var environment []string
	if err := json.Unmarshal(data, &environment); err != nil {
		return err
	}
	if err := dieWithParent(); err != nil {
		return err
	}
	const become = `exec "$0" >>"$1" 2>&1`
	return syscall.Exec("/bin/sh", []string{"sh", "-c", become, args[0], args[2]}, environment)
}

// runBroker is a durable broker in the folder args[0], at args[1], with one super user, args[2], whose password is args[3].
func runBroker(ctx context.Context, args []string) error {
	broker, err := kafka.Start(kafka.Options{
		Dir: args[0], Addr: args[1], Log: os.Stderr, Users: []kafka.User{{Name: args[2], Password: args[3], Super: true}},
	})
	if err != nil {
		return err
	}
	fmt.Println("listening")
	<-ctx.Done()
	return broker.Close()
}

// bankOptions are what a bank is told as a process.
type bankOptions struct {
	BIC, Topics, User, Password, Dir, ControlAddr string
	Brokers                                       []string
	Seed                                          uint64
	Scenario                                      bank.Scenario
}

// runBank is the simulator of a bank whose topics have another prefix than songan, which services/simulators/cmd/bank does
// not offer: on a cluster that is shared. Its options are args[0].
func runBank(ctx context.Context, args []string) error {
	var given bankOptions
	if err := json.Unmarshal([]byte(args[0]), &given); err != nil {
		return err
	}
	o := bank.Options{
		BIC: given.BIC, Topics: given.Topics, Brokers: given.Brokers, User: given.User, Password: given.Password, Dir: given.Dir,
		ControlAddr: given.ControlAddr, Seed: given.Seed, Scenario: given.Scenario,
	}
	if err := os.MkdirAll(filepath.Dir(o.Dir), 0o700); err != nil {
		return err
	}
	o.Log = os.Stderr
	simulator, err := bank.New(o)
	if err != nil {
		return err
	}
	err = simulator.Start(ctx)
	if err == nil {
		<-ctx.Done()
	}
	return errors.Join(err, simulator.Close(context.WithoutCancel(ctx)))
}
