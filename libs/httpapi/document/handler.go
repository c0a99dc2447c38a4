package document

import (
	"bytes"
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed page
var page embed.FS

// policy lets the page load its own two files and talk to its own origin, nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'"

// Handler serves the document at .../openapi.json and the page at .../docs.
func (d *Document) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "no-cache")
		switch {
		case strings.HasSuffix(r.URL.Path, "/openapi.json"):
			d.serve(w, r)
		case strings.HasSuffix(r.URL.Path, "/docs"):
			servePage(w, r, "docs.html")
		case strings.HasSuffix(r.URL.Path, "/docs/"):
			h.Set("Location", "../docs")
			w.WriteHeader(http.StatusPermanentRedirect)
		default:
			servePage(w, r, path.Base(r.URL.Path))
		}
	})
}

func (d *Document) serve(w http.ResponseWriter, r *http.Request) {
	data, err := d.JSON()
	if err != nil { // a type of ours that has no schema; the test of the service finds it
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", mediaJSON)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

func servePage(w http.ResponseWriter, r *http.Request, name string) {
	data, err := fs.ReadFile(page, "page/"+name)
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
}
