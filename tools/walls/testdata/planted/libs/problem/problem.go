// Package problem breaks the purity of libs.
package problem

import _ "os/signal" // want depguard:pure

func Share() float32 { return 0 } // want forbidigo:whole
