package walls

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

// Finding is one thing that a linter said.
type Finding struct {
	File   string
	Line   int
	Linter string
	Text   string
}

// Linter returns the path of golangci-lint in the version that the Makefile pins: $GOLANGCI_LINT, or what
// "make tools" installed.
func Linter(root string) (string, error) {
	if path := os.Getenv("GOLANGCI_LINT"); path != "" {
		return path, nil
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		return "", fmt.Errorf("read the linter's version: %w", err)
	}
	version := regexp.MustCompile(`(?m)^GOLANGCI_VERSION *:?= *(\S+)$`).FindSubmatch(makefile)
	if version == nil {
		return "", errors.New("the Makefile names no GOLANGCI_VERSION")
	}
	path := filepath.Join(root, ".cache", "bin", "golangci-lint-"+string(version[1]))
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("golangci-lint is not installed; install it with: make tools (%w)", err)
	}
	return path, nil
}

// Lint runs the linter in dir, with the configuration that stands there and extra environment, over what the
// arguments say.
func Lint(ctx context.Context, linter, dir string, env []string, args ...string) ([]Finding, error) {
	args = append([]string{
		"run", "--uniq-by-line=false", "--show-stats=false", "--output.json.path=stdout",
	}, args...)
	cmd := exec.CommandContext(ctx, linter, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if exit, isExit := errors.AsType[*exec.ExitError](err); err != nil && (!isExit || exit.ExitCode() != 1) {
		return nil, fmt.Errorf("run golangci-lint: %w\n%s%s", err, out, stderr.Bytes())
	}
	var report struct {
		Issues []struct {
			FromLinter, Text string
			Pos              struct {
				Filename string
				Line     int
			}
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return nil, fmt.Errorf("read golangci-lint's report: %w\n%s", err, stderr.Bytes())
	}
	findings := make([]Finding, 0, len(report.Issues))
	for _, i := range report.Issues {
		findings = append(findings, Finding{File: i.Pos.Filename, Line: i.Pos.Line, Linter: i.FromLinter, Text: i.Text})
	}
	return findings, nil
}

// EnabledLinters lists what the configuration file switches on.
func EnabledLinters(ctx context.Context, linter, config string) ([]string, error) {
	cmd := exec.CommandContext(ctx, linter, "linters", "--json", "-c", config)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list the linters: %w", err)
	}
	var report struct{ Enabled []struct{ Name string } }
	if err := json.Unmarshal(out, &report); err != nil {
		return nil, fmt.Errorf("read the list of linters: %w", err)
	}
	names := make([]string, 0, len(report.Enabled))
	for _, l := range report.Enabled {
		names = append(names, l.Name)
	}
	return names, nil
}
