package kafka

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

// request is a frame with a known key and a body of n bytes.
func request(n int) []byte {
	frame := binary.BigEndian.AppendUint32(nil, uint32(8+n)) //nolint:gosec // small
	frame = binary.BigEndian.AppendUint16(frame, 18)         // ApiVersions
	return append(frame, make([]byte, 6+n)...)
}

// However the network cuts the stream, requests pass, and the first byte that
// can't be right is noticed.
func TestTheGuardFollowsRequestsHoweverTheyAreCut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 50), 1, 8).Draw(t, "bodies") {
			stream = append(stream, request(n)...)
		}
		bad := rapid.Bool().Draw(t, "bad")
		if bad {
			stream = append(stream, 0x7f, 0xff, 0xff, 0xff, 0, 18)
		}
		g := guard{joins: newJoins()}
		var err error
		for len(stream) > 0 && err == nil {
			n := rapid.IntRange(1, len(stream)).Draw(t, "cut")
			err = g.follow(stream[:n])
			stream = stream[n:]
		}
		if (err != nil) != bad {
			t.Fatalf("bad %v, but the guard says %v", bad, err)
		}
	})
}
