package exchange

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// WriteJSON answers with v. It is encoded before the status is sent, so that what cannot be encoded is still a 500.
func WriteJSON[A any](x *Exchange, status int, v A) error {
	if status == http.StatusNoContent {
		x.W.WriteHeader(status)
		return nil
	}
	b := x.server.Buffer()
	defer x.server.GiveBack(b)
	if err := x.server.Encode(b, v); err != nil {
		return err
	}
	if x.Route.Cache > 0 && x.notModified(b.Bytes()) {
		return nil
	}
	x.W.Header().Set("Content-Type", MediaJSON)
	x.W.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	x.W.WriteHeader(status)
	x.Send(b.Bytes())
	return nil
}

// Encode writes v as one line of JSON. Maps are sorted: the same answer has the same bytes, hence the same ETag.
func (s *Server) Encode(b *bytes.Buffer, v any) error {
	text, err := s.json.Append(b.AvailableBuffer(), v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	b.Write(text)
	b.WriteByte('\n')
	return nil
}

// Send writes bytes. That they do not arrive is the caller's loss and nobody's error.
func (x *Exchange) Send(p []byte) { _, _ = x.W.Write(p) }

// notModified sets the ETag of an answer, and answers 304 if the caller has it already.
func (x *Exchange) notModified(body []byte) bool {
	const tagBytes = 16
	sum := sha256.Sum256(body)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:tagBytes]) + `"`
	h := x.W.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, max-age="+strconv.Itoa(int(x.Route.Cache.Seconds())))
	if !matchesTag(x.R.Header.Get("If-None-Match"), tag) {
		return false
	}
	x.W.WriteHeader(http.StatusNotModified)
	return true
}

// matchesTag compares weakly, as If-None-Match demands (RFC 9110, 13.1.2).
func matchesTag(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == tag {
			return true
		}
	}
	return false
}
