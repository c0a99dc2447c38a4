// Command accommodation runs the accommodation service alone.
package main

import (
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/services/accommodation"
)

func main() { service.Main(accommodation.Name, accommodation.New) }
