package songan_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/songan-vn/songan/libs/embedded/missing"
)

// secretShapes are what a secret looks like that somebody left in a file: keys in PEM and in Tink's JSON, our tokens, those of
// clouds and forges, and passwords in addresses. What tests and pages make up is short, or says that it is made up.
func secretShapes() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"a private key":                 regexp.MustCompile(`-----BEGIN ([A-Z]+ )?PRIVATE KEY-----\s*\n?[A-Za-z0-9+/=]{40}`),
		"an API key of ours":            regexp.MustCompile(`\bsa_[A-Za-z0-9]{8,}_[A-Za-z0-9_-]{32,}`),
		"a keyset":                      regexp.MustCompile(`"keyMaterialType"\s*:\s*"SYMMETRIC"`),
		"a key of a cloud":              regexp.MustCompile(`\b(AKIA|ASIA)[0-9A-Z]{16}\b`),
		"a token of a forge":            regexp.MustCompile(`\b(ghp|gho|ghs|glpat)[_-][A-Za-z0-9_-]{20,}`),
		"a password in an address":      regexp.MustCompile(`\b(postgres|postgresql|amqp|redis|https)://[A-Za-z0-9_]+:[^\s"'@/$<>*%{]{9,}@`),
		"a JSON web token":              regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}`),
		"a token of a Vault":            regexp.MustCompile(`\bhvs\.[A-Za-z0-9_-]{20,}`),
		"the secret of a webhook or so": regexp.MustCompile(`\bwhsec_[A-Za-z0-9]{20,}`),
	}
}

// No file of the repository holds a secret: they come from files and variables of the place where it runs.
func TestNoSecretStandsInTheRepository(t *testing.T) {
	t.Parallel()
	list, err := exec.CommandContext(t.Context(), "git", "-C", "../..", "ls-files", "-z").Output()
	if err != nil {
		missing.Skip(t, "not a checkout: %v", err)
	}
	files := 0
	for name := range strings.SplitSeq(strings.TrimRight(string(list), "\x00"), "\x00") {
		if name == "libs/telemetry/scrub_test.go" {
			continue // what it scrubs is made up, and looks real on purpose
		}
		text, err := os.ReadFile(filepath.Join("../..", name))
		if os.IsNotExist(err) {
			continue // deleted, and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		files++
		for what, shape := range secretShapes() {
			if found := shape.FindIndex(text); found != nil {
				t.Errorf("%s, byte %d: this looks like %s", name, found[0], what)
			}
		}
	}
	const some = 500
	if files < some {
		t.Errorf("only %d files were looked at", files)
	}
}

// A secret of each kind that somebody leaves in a file is found.
func TestASecretThatIsLeftInAFileIsFound(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("aB3", 20)
	for what, planted := range map[string]string{
		"a private key":                 "-----BEGIN PRIVATE " + "KEY-----\n" + long,
		"an API key of ours":            "sa_" + "0123456789ab_" + long,
		"a keyset":                      `"keyMaterialType"` + `: "SYMMETRIC"`,
		"a key of a cloud":              "AKIA" + "0123456789ABCDEF",
		"a token of a forge":            "ghp_" + long,
		"a password in an address":      "postgres://songan:" + "a-long-password@db/x",
		"a JSON web token":              "eyJ" + long + ".eyJ" + long + "." + long,
		"a token of a Vault":            "hvs." + long,
		"the secret of a webhook or so": "whsec_" + long,
	} {
		if !secretShapes()[what].MatchString("x = " + planted) {
			t.Errorf("%s is not found", what)
		}
	}
}
