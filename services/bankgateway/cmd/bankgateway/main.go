// Command bankgateway runs the bankgateway service alone.
package main

import (
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/services/bankgateway"
)

func main() { service.Main(bankgateway.Name, bankgateway.New) }
