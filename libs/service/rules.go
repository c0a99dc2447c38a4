package service

import (
	"fmt"
	"os"
)

// ReadRules returns the rules in the file at path, which an operator named by a variable, or for an empty path the program's
// own.
func ReadRules[R any](variable, path string, own func() R, parse func(file []byte) (R, error)) (rules R, err error) {
	if path == "" {
		return own(), nil
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return rules, fmt.Errorf("%s: %w", variable, err)
	}
	if rules, err = parse(file); err != nil {
		return rules, fmt.Errorf("%s: %s: %w", variable, path, err)
	}
	return rules, nil
}
