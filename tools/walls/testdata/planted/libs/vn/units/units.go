// Package units is pure as well, one folder further down.
package units

import (
	_ "embed"
	_ "log/slog" // want depguard:pure
)
