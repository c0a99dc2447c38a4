package service

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Setting is a variable and its value as it may be shown.
type Setting struct{ Variable, Value string }

const (
	hidden = "(set)"
	unset  = "(not set)"
)

// Describe returns the variables of C and what they are in this environment, in order, without secrets. What is a secret is
// said by the variable's name: one that ends in _PASSWORD, _PASSWORDS, _SECRET, _TOKEN or _KEY, unless it names a file.
// Of addresses with a login in them that is left out. Variables that are required and missing are no error here.
func Describe[C any]() ([]Setting, error) { return DescribeFrom[C](env.ToMap(os.Environ())) }

// DescribeFrom is [Describe] of another environment.
func DescribeFrom[C any](environment map[string]string) ([]Setting, error) {
	environment, err := withFiles(environment)
	if err != nil {
		return nil, err
	}
	params, err := env.GetFieldParams(new(C))
	if err != nil {
		return nil, fmt.Errorf("read the variables: %w", err)
	}
	all := map[string]string{}
	for _, p := range params {
		value, set := environment[p.Key]
		if !set {
			value = p.DefaultValue
		}
		all[p.Key] = shown(p.Key, value)
	}
	settings := make([]Setting, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		settings = append(settings, Setting{name, all[name]})
	}
	return settings, nil
}

// paths are variables that sound like secrets, or like files with one, and name files of their own.
func paths() []string {
	return []string{"SONGAN_TLS_KEY", "KAFKA_TLS_KEY", "SONGAN_WITNESS_KEY", "SONGAN_WITNESS_FILE", "SONGAN_SESSION_KEY"}
}

// shown is a value without what nobody should read.
func shown(variable, value string) string {
	switch {
	case value == "":
		return unset
	case secret(variable):
		return hidden
	}
	return withoutLogin(value)
}

func secret(variable string) bool {
	if slices.Contains(paths(), variable) {
		return false
	}
	return slices.ContainsFunc([]string{"_PASSWORD", "_PASSWORDS", "_SECRET", "_TOKEN", "_KEY"}, func(end string) bool {
		return strings.HasSuffix(variable, end)
	})
}

// withoutLogin leaves the login out of an address, and all of what looks like an address and cannot be read as one.
func withoutLogin(value string) string {
	if !strings.Contains(value, "://") && !strings.Contains(value, "password") {
		return value
	}
	address, err := url.Parse(value)
	if err != nil || address.Host == "" {
		return hidden
	}
	address.User, address.RawQuery, address.Fragment = nil, "", ""
	return address.String()
}
