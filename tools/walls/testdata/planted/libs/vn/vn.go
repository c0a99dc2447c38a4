// Package vn breaks the purity of libs.
package vn

import _ "math/rand/v2" // want depguard:pure

func Share() float32 { return 0 } // want forbidigo:whole
