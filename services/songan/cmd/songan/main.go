// Command songan runs the whole system in one process, and has the operators' tools.
package main

import (
	"os"

	"github.com/songan-vn/songan/services/songan"
)

func main() { os.Exit(songan.Main(os.Args[1:])) }
