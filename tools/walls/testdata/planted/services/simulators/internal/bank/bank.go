// Package bank stands in for the world outside, which is I/O.
package bank

import (
	_ "context"
	_ "net/http"
)
