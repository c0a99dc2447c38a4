package service_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/songan-vn/songan/libs/service"
)

func TestRulesAreTheProgramsOwnUnlessAFileIsNamed(t *testing.T) {
	t.Parallel()
	good, bad := filepath.Join(t.TempDir(), "good"), filepath.Join(t.TempDir(), "bad")
	for _, file := range []string{good, bad} {
		if err := os.WriteFile(file, []byte(filepath.Base(file)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(path string) (string, error) {
		return service.ReadRules("SONGAN_X_RULES", path, func() string { return "own" }, func(file []byte) (string, error) {
			if string(file) == "bad" {
				return "", errors.New("two rules hold on one day")
			}
			return string(file), nil
		})
	}
	for path, want := range map[string]string{"": "own", good: "good"} {
		if got, err := read(path); got != want || err != nil {
			t.Errorf("%q: %q, %v", path, got, err)
		}
	}
	for path, want := range map[string]string{bad: bad + ": two rules", good + "x": "no such file"} {
		if _, err := read(path); err == nil || !strings.HasPrefix(err.Error(), "SONGAN_X_RULES: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", path, err)
		}
	}
}
