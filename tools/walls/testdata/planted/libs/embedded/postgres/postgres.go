// Package postgres breaks wall c from below.
package postgres

import (
	_ "context"
	_ "os"

	_ "github.com/songan-vn/songan/events" // want depguard:embedded
	_ "github.com/songan-vn/songan/libs/embedded/kafka"
	_ "github.com/songan-vn/songan/libs/problem"          // want depguard:embedded
	_ "github.com/songan-vn/songan/services/identity/api" // want depguard:'libs'
)
