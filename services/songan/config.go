package songan

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/songan-vn/songan/libs/access/signin"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/services/accommodation"
	"github.com/songan-vn/songan/services/bankgateway"
	"github.com/songan-vn/songan/services/disbursement"
	"github.com/songan-vn/songan/services/identity"
)

type configCommand struct{}

// Run prints every variable and what it is here.
func (configCommand) Run() error { return printConfig(os.Stdout) }

func printConfig(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, part := range []struct {
		name     string
		describe func() ([]service.Setting, error)
	}{
		{"every service", service.Describe[service.Config]},
		{"sign-in and keys", service.Describe[signin.Config]},
		{accommodation.Name, service.Describe[accommodation.Config]},
		{identity.Name, service.Describe[identity.Config]},
		{bankgateway.Name, service.Describe[bankgateway.Config]},
		{disbursement.Name, service.Describe[disbursement.Config]},
	} {
		settings, err := part.describe()
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		_, _ = fmt.Fprintf(table, "# %s\n", part.name)
		for _, s := range settings {
			_, _ = fmt.Fprintf(table, "%s\t%s\n", s.Variable, s.Value)
		}
	}
	return table.Flush()
}
