// Command measure prints the figures of the style bar for the repository it is run in.
package main

import (
	"fmt"
	"os"

	"github.com/songan-vn/songan/tools/walls"
	"github.com/songan-vn/songan/tools/walls/measure"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := walls.Root()
	if err != nil {
		return err
	}
	report, err := measure.Repository(root)
	if err != nil {
		return fmt.Errorf("measure the repository: %w", err)
	}
	return measure.Print(os.Stdout, report.Figures())
}
