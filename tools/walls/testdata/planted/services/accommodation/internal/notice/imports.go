// Package notice is the domain: everything here must be found.
package notice

import (
	_ "context"      // want depguard:pure
	_ "crypto/rand"  // want depguard:pure
	_ "database/sql" // want depguard:pure
	_ "io/ioutil"    // want depguard:pure
	_ "log"          // want depguard:pure
	_ "log/slog"     // want depguard:pure
	_ "math/rand"    // want depguard:pure
	_ "math/rand/v2" // want depguard:pure
	_ "net"          // want depguard:pure
	_ "net/http"     // want depguard:pure
	_ "net/netip"    // want depguard:pure
	_ "os"           // want depguard:pure
	_ "os/exec"      // want depguard:pure
	_ "os/signal"    // want depguard:pure
	_ "runtime"      // want depguard:pure
	_ "syscall"      // want depguard:pure
	_ "testing"      // want depguard:pure depguard:services-binaries
	_ "unsafe"       // want depguard:pure

	_ "github.com/jackc/pgx/v5"                                    // want depguard:pure
	_ "github.com/segmentio/kafka-go"                              // want depguard:pure
	_ "github.com/songan-vn/songan/libs/eventstore"                // want depguard:pure
	_ "github.com/songan-vn/songan/libs/eventstore/eventstoretest" // want depguard:pure
	_ "github.com/songan-vn/songan/libs/testkit"                   // want depguard:pure depguard:services-binaries
	_ "go.uber.org/zap"                                            // want depguard:pure
)
