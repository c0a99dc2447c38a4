package notice

import (
	_ "crypto/sha256"
	_ "embed"
	_ "encoding/json"
	_ "errors"
	_ "slices"
	_ "strings"

	_ "github.com/songan-vn/songan/events/accommodation"
	_ "github.com/songan-vn/songan/libs/money"
	_ "github.com/songan-vn/songan/libs/problem"
	_ "github.com/songan-vn/songan/libs/vn/units"
	_ "github.com/songan-vn/songan/services/accommodation/internal/facility"
)
