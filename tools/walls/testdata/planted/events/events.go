// Package events is on the right side of every wall.
package events

import (
	"encoding/json"
	"reflect"
	"time"
)

type Event interface{ EventName() string }

var _ = []any{json.Valid, reflect.TypeOf, time.Second}
