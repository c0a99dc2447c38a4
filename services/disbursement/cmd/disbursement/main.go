// Command disbursement runs the disbursement service alone.
package main

import (
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/services/disbursement"
)

func main() { service.Main(disbursement.Name, disbursement.New) }
