// Package population is an I/O room, one folder further down.
package population

import "net/http"

func Ask() {
	_, _ = http.Get("http://127.0.0.1") // want forbidigo:limits
	_ = http.Client{}
}
