// Package money breaks the purity of libs.
package money

import _ "database/sql" // want depguard:pure

func Share() float32 { return 0 } // want forbidigo:whole
