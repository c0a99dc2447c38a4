// Package reactions is an I/O room.
package reactions

import (
	_ "context"
	_ "github.com/segmentio/kafka-go"
)
