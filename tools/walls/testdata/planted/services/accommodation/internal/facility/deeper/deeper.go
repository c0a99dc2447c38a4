// Package deeper is pure however deep it stands.
package deeper

import _ "os" // want depguard:pure
