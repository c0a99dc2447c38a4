// Package songan knows every service and the embedded servers; tests' tools it may not link.
package songan

import (
	_ "github.com/songan-vn/songan/libs/embedded/postgres"
	_ "github.com/songan-vn/songan/libs/testkit" // want depguard:songan-binary
	_ "github.com/songan-vn/songan/services/accommodation"
	_ "github.com/songan-vn/songan/services/identity/api"
)
