package songan

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/songan-vn/songan/libs/access"
)

// keyCommand is about the operators' file: the keys by which an installation begins, and by which it is reached when
// nothing else works. Keys of programs are given out over HTTP; see package keybook.
type keyCommand struct {
	Add    addKey    `cmd:"" default:"withargs" help:"Add a key and print its token, once."`
	List   listKeys  `cmd:"" help:"List the keys of the file."`
	Rotate rotateKey `cmd:"" help:"Print the token of a key's successor; the old key goes on until the end of the overlap."`
	Revoke revokeKey `cmd:"" help:"Refuse a key from now on."`
}

// keyFile is the file that is worked on.
type keyFile struct {
	File string `help:"Key file (SONGAN_ACCESS_KEYS)." required:""`
}

// keys reads the file, sorted by holder.
func (f keyFile) keys() ([]access.Key, error) {
	ring, err := access.ReadKeys(f.File)
	if err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(ring), func(a, b access.Key) int {
		return cmp.Or(cmp.Compare(a.Principal.ID, b.Principal.ID), cmp.Compare(a.ID, b.ID))
	}), nil
}

// change puts another key in the place of the one with this id, and more behind it.
func (f keyFile) change(id string, do func(access.Key) ([]access.Key, error)) error {
	keys, err := f.keys()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(keys, func(k access.Key) bool { return k.ID == id })
	if at < 0 {
		return fmt.Errorf("there is no key %s in %s", id, f.File)
	}
	changed, err := do(keys[at])
	if err != nil {
		return fmt.Errorf("key %s: %w", id, err)
	}
	return access.WriteKeys(f.File, slices.Replace(keys, at, at+1, changed...))
}

type addKey struct {
	keyFile

	ID       string        `help:"Who holds the key: an officer's or a program's name in the records." required:""`
	Role     string        `help:"commune_police, steering, auditor, admin, service, bank, ..." required:""`
	Unit     string        `help:"Code of the officer's unit."`
	Facility string        `help:"The facility of a facility's key."`
	Bank     string        `help:"The BIC of a bank's key."`
	Scopes   string        `help:"Services it is for, divided by spaces, each with :read behind it if it must change nothing. All when left out."`
	For      time.Duration `help:"How long the key is good for." default:"8760h"`
}

// Run adds a key to an operators' file, which is made when it is not there, and prints its token.
func (k addKey) Run() error {
	p := access.Principal{
		ID: k.ID, Role: access.Role(k.Role), Unit: k.Unit, Facility: k.Facility, Bank: k.Bank, Scopes: access.Scopes(k.Scopes),
	}
	switch {
	case !p.Role.Known():
		return fmt.Errorf("there is no role %q", k.Role)
	case p.Role == access.Approver || p.Role == access.Treasurer:
		return fmt.Errorf("a %s signs in with a second factor; a key has none", p.Role)
	case p.Unbounded():
		return fmt.Errorf("a %s needs its --unit, --facility or --bank", p.Role)
	case p.Scopes.Check() != nil:
		return p.Scopes.Check()
	}
	keys, err := k.keys()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	token, key := access.Generate(p)
	key.ExpiresAt = time.Now().Add(k.For)
	if err := access.WriteKeys(k.File, append(keys, key)); err != nil {
		return err
	}
	_, err = fmt.Fprintln(os.Stdout, token)
	return err
}

type listKeys struct{ keyFile }

// Run lists what is in the file; of secrets there is nothing in it.
func (l listKeys) Run() error { return l.print(os.Stdout) }

func (l listKeys) print(out io.Writer) error {
	keys, err := l.keys()
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "key\tholder\trole\tscopes\tuntil\tstate")
	for _, k := range keys {
		p := k.Principal
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, p.ID, p.Role, p.Scopes, k.ExpiresAt.Format(time.RFC3339), stateOf(k))
	}
	return table.Flush()
}

func stateOf(k access.Key) string {
	switch {
	case k.Revoked:
		return "revoked"
	case !k.ExpiresAt.IsZero() && !time.Now().Before(k.ExpiresAt):
		return "expired"
	case k.Replaced:
		return "replaced"
	}
	return "good"
}

type rotateKey struct {
	keyFile

	Key     string        `help:"Id of the key: what stands between the underscores of its token." required:""`
	Overlap time.Duration `help:"How long the old key goes on." default:"168h"`
	For     time.Duration `help:"How long the new key is good for." default:"8760h"`
}

// Run rotates a key.
func (r rotateKey) Run() error {
	var token string
	err := r.change(r.Key, func(k access.Key) (changed []access.Key, err error) {
		now := time.Now()
		var next, old access.Key
		token, next, old, err = k.Rotate(now, now.Add(r.Overlap), r.For)
		return []access.Key{old, next}, err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(os.Stdout, token)
	return err
}

type revokeKey struct {
	keyFile

	Key string `help:"Id of the key." required:""`
}

// Run revokes a key.
func (r revokeKey) Run() error {
	return r.change(r.Key, func(k access.Key) ([]access.Key, error) {
		k.Revoked = true
		return []access.Key{k}, nil
	})
}
