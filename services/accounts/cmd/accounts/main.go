// Command accounts runs the accounts service alone.
package main

import (
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/services/accounts"
)

func main() { service.Main(accounts.Name, accounts.New) }
