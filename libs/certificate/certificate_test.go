package certificate_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/songan-vn/songan/libs/certificate"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const day = 24 * time.Hour

func authority(t *testing.T, now func() time.Time) *certificate.Authority {
	t.Helper()
	a, err := certificate.OpenAuthority(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func client(t *testing.T, a *certificate.Authority, life time.Duration, h certificate.Holder) certificate.Files {
	t.Helper()
	files, err := a.Client(life, h)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// serve answers with whom it sees, until the test ends.
func serve(t *testing.T, a *certificate.Authority) (url string) {
	t.Helper()
	files, err := a.Server(day, "127.0.0.1", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	return listen(t, files, nil)
}

// listen serves with these files.
func listen(t *testing.T, files certificate.Files, report func(error)) (url string) {
	t.Helper()
	config, err := files.Server(report)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, ok := certificate.HolderOf(r.TLS)
		if ok != (certificate.Thumbprint(r.TLS) != "") {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = w.Write([]byte(h.Bank + "|" + h.Facility))
	}))
	s.Config.ErrorLog = nil
	s.TLS = config
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

// ask calls a server with a client's files, and returns what it saw.
func ask(t *testing.T, url string, files certificate.Files) (string, error) {
	t.Helper()
	client, err := files.Client(nil)
	if err != nil {
		t.Fatal(err)
	}
	return get(t, url, client)
}

// get calls a server as a client that was configured before, and returns what it saw.
func get(t *testing.T, url string, client *certificate.Client) (string, error) {
	t.Helper()
	transport := &http.Transport{DialTLSContext: client.DialContext, DisableKeepAlives: true}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text := make([]byte, 100)
	n, _ := answer.Body.Read(text)
	return string(text[:n]), nil
}

func TestAServerSeesWhomAClientsCertificateNames(t *testing.T) {
	t.Parallel()
	a := authority(t, time.Now)
	url := serve(t, a)
	for want, files := range map[string]certificate.Files{
		"ICBVVNVX|": client(t, a, day, certificate.Holder{Bank: "ICBVVNVX"}),
		"|h7":       client(t, a, day, certificate.Holder{Facility: "h7"}),
		"|":         {CA: a.CA()},
	} {
		if got, err := ask(t, url, files); got != want || err != nil {
			t.Errorf("%q instead of %q, %v", got, want, err)
		}
	}
}

func TestACertificateOfAnotherAuthorityOrOutOfItsTimeIsNotTaken(t *testing.T) {
	t.Parallel()
	a := authority(t, time.Now)
	url := serve(t, a)
	bank := certificate.Holder{Bank: "ICBVVNVX"}
	stranger := client(t, authority(t, time.Now), day, bank)
	stranger.CA = a.CA()
	old := client(t, a, -time.Minute, bank)
	later, err := certificate.OpenAuthority(filepath.Dir(a.CA()), func() time.Time { return time.Now().Add(day) })
	if err != nil {
		t.Fatal(err)
	}
	notYet := client(t, later, 2*day, certificate.Holder{Bank: "BFTVVNVX"})
	servers, err := a.Server(day, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string]certificate.Files{
		"another authority's": stranger, "expired": old, "not yet valid": notYet, "a server's": servers,
	} {
		if got, err := ask(t, url, files); err == nil {
			t.Errorf("%s: the server answered %q", name, got)
		}
	}
	if _, err := ask(t, url, certificate.Files{CA: authority(t, time.Now).CA()}); err == nil {
		t.Error("a client took a server of an authority that it does not know")
	}
}

func TestKeysAreForTheirOwnerAloneAndTheAuthorityIsMadeOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 {
		if _, err := certificate.OpenAuthority(dir, time.Now); err != nil {
			t.Fatal(err)
		}
	}
	a, err := certificate.OpenAuthority(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	files := client(t, a, day, certificate.Holder{Bank: "ICBVVNVX"})
	for _, path := range []string{files.Key, files.Certificate, a.CA(), filepath.Join(dir, "ca.key")} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
	if err := os.Chmod(files.Key, 0o640); err != nil { //nolint:gosec // that is what is refused
		t.Fatal(err)
	}
	if _, err := files.Client(nil); err == nil {
		t.Error("a key that others read was taken")
	}
}

func TestWhatCannotBeACertificateIsRefused(t *testing.T) {
	t.Parallel()
	a := authority(t, time.Now)
	for _, h := range []certificate.Holder{{}, {Bank: "../ca"}, {Bank: "A", Facility: "b"}, {Facility: "a b"}} {
		if _, err := a.Client(day, h); err == nil {
			t.Errorf("%+v has a certificate", h)
		}
	}
	good := client(t, a, day, certificate.Holder{Bank: "ICBVVNVX"})
	for _, f := range []certificate.Files{{}, {Certificate: good.Certificate}, {Certificate: good.Certificate, Key: a.CA()}} {
		if _, err := f.Server(nil); err == nil {
			t.Errorf("%+v is a server", f)
		}
	}
	if _, err := (certificate.Files{CA: good.Key}).Client(nil); err == nil {
		t.Error("a key is no authority")
	}
}

func TestAConnectionWithoutTLSNamesNobody(t *testing.T) {
	t.Parallel()
	if h, ok := certificate.HolderOf(nil); ok || h != (certificate.Holder{}) || certificate.Thumbprint(nil) != "" {
		t.Error(h)
	}
	if _, ok := certificate.HolderOf(&tls.ConnectionState{}); ok {
		t.Error("no certificate names somebody")
	}
}

// sees waits until the server sees this holder when a client comes with these files.
func sees(t *testing.T, url string, files certificate.Files, want string) {
	t.Helper()
	testkit.Within(t, 30*time.Second, func() error {
		got, err := ask(t, url, files)
		if err != nil || got != want {
			return fmt.Errorf("the server saw %q, %w", got, err)
		}
		return nil
	})
}

// A server goes on with certificates that are renewed while it runs, and with those of before as long as the new ones cannot be
// used; a client that was configured before shows its new one, and judges by its new authority.
func TestRenewedCertificatesCountWithoutARestart(t *testing.T) {
	t.Parallel()
	before, after := authority(t, time.Now), authority(t, time.Now)
	bank := certificate.Holder{Bank: "ICBVVNVX"}
	old, renewed := client(t, before, day, bank), client(t, after, day, bank)
	dir := t.TempDir()
	copyFiles := func(from, to certificate.Files) {
		for name, target := range map[string]string{from.CA: to.CA, from.Certificate: to.Certificate, from.Key: to.Key} {
			text, err := os.ReadFile(name)
			if err := errors.Join(err, os.WriteFile(target, text, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	issue := func(a *certificate.Authority) certificate.Files {
		files, err := a.Server(day, "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	used := certificate.Files{CA: filepath.Join(dir, "ca.crt"), Certificate: filepath.Join(dir, "server.crt"), Key: filepath.Join(dir, "server.key")}
	shown := certificate.Files{CA: filepath.Join(dir, "own-ca.crt"), Certificate: filepath.Join(dir, "own.crt"), Key: filepath.Join(dir, "own.key")}
	copyFiles(issue(before), used)
	copyFiles(old, shown)
	reports := make(chan error, 10)
	url := listen(t, used, func(err error) { reports <- err })
	own, err := shown.Client(nil)
	if err != nil {
		t.Fatal(err)
	}
	sees(t, url, old, "ICBVVNVX|")
	if got, err := get(t, url, own); err != nil || got != "ICBVVNVX|" {
		t.Fatalf("the client before anything is renewed: %q, %v", got, err)
	}
	if err := os.WriteFile(used.Certificate, []byte("half of a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	testkit.Within(t, 30*time.Second, func() error {
		if _, err := ask(t, url, old); err != nil {
			t.Fatalf("renewed by half, the server lets nobody in: %v", err)
		}
		if len(reports) == 0 {
			return errors.New("nobody was told")
		}
		return nil
	})
	copyFiles(issue(after), used)
	sees(t, url, renewed, "ICBVVNVX|")
	if got, err := ask(t, url, certificate.Files{CA: after.CA(), Certificate: old.Certificate, Key: old.Key}); err == nil {
		t.Errorf("a certificate of the authority of before still says %q", got)
	}
	if got, err := get(t, url, own); err == nil {
		t.Errorf("a client that knows the authority of before alone takes the server for %q", got)
	}
	copyFiles(renewed, shown)
	testkit.Within(t, 30*time.Second, func() error {
		got, err := get(t, url, own)
		if err != nil || got != "ICBVVNVX|" {
			return fmt.Errorf("the client's new certificate and authority: %q, %w", got, err)
		}
		return nil
	})
	if len(reports) != 1 {
		t.Errorf("%d reports of one change", len(reports))
	}
}
