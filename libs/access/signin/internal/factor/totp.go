package factor

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what RFC 6238 says and authenticators do; as a MAC it is sound
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

const (
	stepSeconds = 30
	drift       = 1 // steps that a telephone's clock may be off
	digits      = 6
	modulus     = 1_000_000
	factorBytes = 20
)

// stepOf returns the step after last at which an authenticator shows code, as seen from now.
func stepOf(secret []byte, code string, last int64, now time.Time) (int64, bool) {
	current, found := now.Unix()/stepSeconds, int64(0)
	for step := current - drift; step <= current+drift; step++ {
		right := subtle.ConstantTimeCompare([]byte(codeAt(secret, step)), []byte(code)) == 1
		if right && step > last && found == 0 {
			found = step
		}
	}
	return found, found != 0
}

// codeAt is RFC 6238 with SHA-1, six digits and 30 seconds, which is all that authenticators do.
func codeAt(secret []byte, step int64) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step)) //nolint:gosec // after 1970
	m := hmac.New(sha1.New, secret)
	m.Write(counter[:])
	sum := m.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%0*d", digits, (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%modulus)
}

func base32Of(b []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)
}

// otpauth is what an authenticator app reads from a QR code. It names the account by its opaque id.
func otpauth(person string, secret []byte) string {
	const issuer = "Song An"
	q := url.Values{"secret": {base32Of(secret)}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	return "otpauth://totp/" + url.PathEscape(issuer+":"+person) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}
