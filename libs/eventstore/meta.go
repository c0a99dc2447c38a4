package eventstore

import (
	"bytes"
	"time"

	"github.com/songan-vn/songan/events"
)

// plainMeta decodes the meta of a fact as the log holds nearly all of them: an object of the known members, whose values
// are strings without escapes. It is false for any other, which encoding/json then decodes: it takes several times as
// long, for every fact that is read.
func plainMeta(data []byte) (m events.Meta, plain bool) {
	rest, ok := bytes.CutPrefix(data, []byte("{"))
	for first := true; ok; first = false {
		rest = bytes.TrimLeft(rest, " ")
		if end, closed := bytes.CutPrefix(rest, []byte("}")); closed {
			return m, len(end) == 0
		}
		if !first {
			if rest, ok = bytes.CutPrefix(rest, []byte(",")); !ok {
				break
			}
		}
		var name, value string
		if name, rest, ok = plainString(rest); !ok {
			break
		}
		if rest, ok = bytes.CutPrefix(bytes.TrimLeft(rest, " "), []byte(":")); !ok {
			break
		}
		if value, rest, ok = plainString(rest); !ok {
			break
		}
		ok = setMeta(&m, name, value)
	}
	return events.Meta{}, false
}

// plainString takes a string without escapes from the beginning.
func plainString(data []byte) (s string, rest []byte, ok bool) {
	data, ok = bytes.CutPrefix(bytes.TrimLeft(data, " "), []byte(`"`))
	if !ok {
		return "", nil, false
	}
	for i, c := range data {
		switch {
		case c == '"':
			return string(data[:i]), data[i+1:], true
		case c == '\\' || c < ' ' || c >= 0x80:
			return "", nil, false
		}
	}
	return "", nil, false
}

func setMeta(m *events.Meta, name, value string) bool {
	switch name {
	case "cause":
		m.Cause = value
	case "correlation":
		m.Correlation = value
	case "actor":
		m.Actor = value
	case "trace":
		m.Trace = value
	case "fingerprint":
		m.Fingerprint = value
	case "occurred_at":
		at, err := time.Parse(time.RFC3339Nano, value)
		m.OccurredAt = at
		return err == nil
	default:
		return false
	}
	return true
}
