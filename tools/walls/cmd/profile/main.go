// Command profile merges CPU profiles into one for the compiler: what it reads, and nothing of the machine they were taken on.
//
//	profile default.pgo a.pprof b.pprof
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/google/pprof/profile"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return errors.New("name the result, and the profiles it is made of")
	}
	profiles := make([]*profile.Profile, 0, len(args)-1)
	for _, name := range args[1:] {
		p, err := read(name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		profiles = append(profiles, p)
	}
	merged, err := profile.Merge(profiles)
	if err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	anonymous(merged)
	var out bytes.Buffer
	if err := merged.Compact().Write(&out); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return os.WriteFile(args[0], out.Bytes(), 0o644) //nolint:gosec // to be read by whoever builds
}

func read(name string) (*profile.Profile, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	return profile.Parse(file)
}

// anonymous takes paths, builds and times away. The compiler goes by functions and lines.
func anonymous(p *profile.Profile) {
	p.Comments, p.TimeNanos, p.DurationNanos = nil, 0, 0
	for _, f := range p.Function {
		f.Filename = ""
	}
	for _, m := range p.Mapping {
		m.File, m.BuildID = "", ""
	}
}
