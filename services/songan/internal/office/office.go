// Package office is what an operator does about people's data at a request of theirs, or after a restore: erase, report
// who read them, erase again what a backup brought back. It works on the databases and key files, with the services
// running or not.
//
//  1. A person is found by the number of their document, which is read from standard input and never from the command
//     line: arguments stand in the shell's history and in the list of processes.
//  2. Every search is recorded in the vault, like any other reading, with the operator and the case.
//  3. What came of it is written as JSON, with references and without personal data: it is the proof for the file. A person's own
//     report is the exception: it says what is kept of them, is for them, and for nobody else to keep.
package office

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/pg"
	configured "github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn/person"
	"github.com/songan-vn/songan/services/songan/internal/onemachine"
)

// Place says which vaults are meant.
type Place struct {
	Data     string   `help:"Data directory: key files, and demo.json of a running system." env:"SONGAN_DATA" default:".songan"`
	Database string   `help:"The server's URL; that of the running system in the data directory if it is left out." env:"DATABASE_URL"`
	Services []string `help:"The services whose vaults are meant." default:"accommodation,accounts,bankgateway,disbursement"`
}

// Case says who asks, and in which matter.
type Case struct {
	Actor string `help:"Who asks: officer:<id>." required:""`
	Case  string `help:"Number of the request in the office's register." required:""`
}

// now is the clock of the office.
func now() time.Time { return time.Now() }

// each opens the vault of each service, one after the other.
func (p Place) each(ctx context.Context, do func(in subject.Place) error) error {
	for _, service := range p.Services {
		if err := p.with(ctx, service, do); err != nil {
			return fmt.Errorf("vault of %s: %w", service, err)
		}
	}
	return nil
}

func (p Place) with(ctx context.Context, service string, do func(in subject.Place) error) error {
	address, err := p.address(service)
	if err != nil {
		return err
	}
	const conns = 2
	pool, err := pg.Open(ctx, address, pg.Options{MaxConns: conns, Name: service + "-office"})
	if err != nil {
		return fmt.Errorf("open the database of %s: %w", service, err)
	}
	defer pool.Close()
	config, err := configured.Load[configured.Config]()
	if err != nil {
		return err
	}
	kms, err := config.KMS(nil)
	if err != nil {
		return fmt.Errorf("connect the key management: %w", err)
	}
	keys, err := vault.LoadSealedKeys(p.keys(service), kms)
	if err != nil {
		return fmt.Errorf("read the vault's key of %s: %w", service, err)
	}
	v, err := vault.Open(ctx, pool, keys, vault.Options{Now: now, Log: zap.NewNop(), Needed: p.needed(service, pool)})
	if err != nil {
		return fmt.Errorf("open the vault of %s: %w", service, err)
	}
	return do(subject.Place{Service: service, Pool: pool, Vault: v})
}

func (p Place) keys(service string) string {
	return filepath.Join(p.Data, "vault-"+service+".key")
}

// address is the service's database on the server.
func (p Place) address(service string) (string, error) {
	server := p.Database
	if server == "" {
		data, err := os.ReadFile(filepath.Join(p.Data, "demo.json"))
		if err != nil {
			return "", fmt.Errorf("find the database: no DATABASE_URL, and %w", err)
		}
		var demo onemachine.Demo
		if err := json.Unmarshal(data, &demo); err != nil {
			return "", errors.New("find the database: demo.json is not readable")
		}
		server = demo.Postgres
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", errors.New("DATABASE_URL is not a URL")
	}
	u.Path = "/" + service
	return u.String(), nil
}

// number reads the number of a document, in the form that it is searched for.
func number(in io.Reader) (string, error) {
	const longest = 200
	line, err := bufio.NewReader(io.LimitReader(in, longest)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the document's number: %w", err)
	}
	found := person.DocumentIndex(strings.TrimSpace(line))
	if found == "" {
		return "", errors.New("read the document's number: standard input holds none")
	}
	return found, nil
}

func write(out io.Writer, answer any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	if err := e.Encode(answer); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}
