// Command accommodation may decide about the exit code, and nothing else.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Print("x") // want forbidigo:io.Writer
	os.Exit(1)
}
