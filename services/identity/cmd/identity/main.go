// Command identity runs the identity service alone.
package main

import (
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/services/identity"
)

func main() { service.Main(identity.Name, identity.New) }
