package songan

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/songan-vn/songan/libs/certificate"
)

type caCommand struct {
	Dir      string        `help:"Folder of the authority; made when it is not there." default:".songan/ca"`
	Server   []string      `help:"Host names and addresses of the server." default:"localhost,127.0.0.1"`
	Bank     []string      `help:"BICs of banks that get a client's certificate."`
	Facility []string      `help:"Ids of facilities that get one."`
	For      time.Duration `help:"How long certificates are good for." default:"720h"`
}

// Run makes what is not there yet and issues the rest anew.
func (c caCommand) Run() error { return c.issue(os.Stdout) }

func (c caCommand) issue(out io.Writer) error {
	authority, err := certificate.OpenAuthority(c.Dir, time.Now)
	if err != nil {
		return fmt.Errorf("open the certificate authority: %w", err)
	}
	server, err := authority.Server(c.For, c.Server...)
	if err != nil {
		return fmt.Errorf("issue the server's certificate: %w", err)
	}
	var holders []certificate.Holder
	for _, bic := range c.Bank {
		holders = append(holders, certificate.Holder{Bank: bic})
	}
	for _, id := range c.Facility {
		holders = append(holders, certificate.Holder{Facility: id})
	}
	_, _ = fmt.Fprintf(out, "For demonstrations and tests: this authority's key lies in a file, and nothing it issued can be revoked.\n\n"+
		"SONGAN_HTTPS=127.0.0.1:8443 SONGAN_TLS_CERTIFICATE=%s SONGAN_TLS_KEY=%s\n"+
		"SONGAN_TLS_CLIENT_CA=%s SONGAN_TLS_CLIENT_ROLES=bank\n\n", server.Certificate, server.Key, server.CA)
	for _, h := range holders {
		files, err := authority.Client(c.For, h)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "%s%s: curl --cacert %s --cert %s --key %s\n", h.Bank, h.Facility, files.CA, files.Certificate, files.Key)
	}
	return nil
}
