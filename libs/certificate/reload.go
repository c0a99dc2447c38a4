package certificate

import (
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// lookEvery is how often files are looked at, at the most: when a connection is made.
const lookEvery = time.Second

// watched is what files say, read again when they change. An end goes on with what it has while they cannot be read, or do not
// belong together: who renews a certificate and its key replaces one after the other.
type watched struct {
	paths []string
	read  func() (*tls.Config, error)
	// report hears once of each change that cannot be taken; nil is nobody.
	report func(error)

	mu     sync.Mutex
	config *tls.Config
	looked time.Time
	// stamp is that of the files that were taken, refused of those that were not.
	stamp, refused string
}

// watch reads files for the first time, when they have to be right.
func watch(report func(error), read func() (*tls.Config, error), paths ...string) (*watched, error) {
	w := &watched{paths: paths, read: read, report: report, looked: time.Now()}
	w.stamp = w.stamps()
	var err error
	w.config, err = read()
	return w, err
}

// current is what the files say.
func (w *watched) current() *tls.Config {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := time.Now(); now.Sub(w.looked) >= lookEvery {
		w.looked = now
		w.look()
	}
	return w.config
}

func (w *watched) look() {
	stamp := w.stamps()
	if stamp == w.stamp {
		return
	}
	config, err := w.read()
	if err != nil {
		if stamp != w.refused && w.report != nil {
			w.report(fmt.Errorf("certificates have changed and cannot be taken; those of before stay: %w", err))
		}
		w.refused = stamp
		return
	}
	w.config, w.stamp, w.refused = config, stamp, ""
}

// stamps tells versions of the files apart. Where one is behind a link that is moved, as in a mounted secret, that is seen.
func (w *watched) stamps() string {
	var all strings.Builder
	for _, path := range w.paths {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			all.WriteString("none;")
			continue
		}
		_, _ = fmt.Fprintf(&all, "%d %d %o;", info.ModTime().UnixNano(), info.Size(), info.Mode().Perm()) // into memory
	}
	return all.String()
}
