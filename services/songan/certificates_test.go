package songan_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/services/songan"
)

func TestCertificatesOfADemonstrationAreFilesForTheirOwner(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ca")
	for range 2 { // the second time the authority is the same
		if status := songan.Main([]string{"ca", "--dir", dir, "--bank", "ICBVVNVX", "--facility", "h7"}); status != 0 {
			t.Fatal(status)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", e.Name(), info.Mode(), err)
		}
		got = append(got, e.Name())
	}
	want := []string{
		"bank-ICBVVNVX.crt", "bank-ICBVVNVX.key", "ca.crt", "ca.key", "facility-h7.crt", "facility-h7.key", "server.crt", "server.key",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if status := songan.Main([]string{"ca", "--dir", dir, "--bank", "../x"}); status != 1 {
		t.Error("a BIC that is none")
	}
}
