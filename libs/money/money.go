// Package money counts Vietnamese dong. It is pure.
//
//  1. A dong has no smaller part: an [Amount] is a whole number, and nothing near it is a float.
//  2. Sums are checked. An overflow is an error, never a wrong balance.
//  3. A share that does not come out even is an error: who gets the odd dong is decided by a rule of the domain,
//     not by rounding here.
//  4. Reading is strict: no decimals, no exponents, no text where a number belongs, and no dots: people mean 1500
//     by "1.500", and one and a half.
package money

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Amount is a number of dong. Negative amounts are debts, clawbacks and differences.
type Amount int64

// The smallest and the largest amount. The economy of the whole country makes about 12*10^15 dong a year.
const (
	Min Amount = math.MinInt64
	Max Amount = math.MaxInt64
)

// What can be wrong with an amount. No message repeats the amount.
var (
	// ErrOverflow says that the result is larger than an [Amount] can be.
	ErrOverflow = errors.New("amount overflows")
	// ErrInexact says that a share does not come out in whole dong.
	ErrInexact = errors.New("amount is not whole dong")
	// ErrFormat says that a text is not an amount of whole dong.
	ErrFormat = errors.New("not an amount of whole dong")
)

// Add returns a + b.
func (a Amount) Add(b Amount) (Amount, error) {
	sum := a + b
	if (b > 0 && sum < a) || (b < 0 && sum > a) {
		return 0, ErrOverflow
	}
	return sum, nil
}

// Sub returns a - b.
func (a Amount) Sub(b Amount) (Amount, error) {
	difference := a - b
	if (b > 0 && difference > a) || (b < 0 && difference < a) {
		return 0, ErrOverflow
	}
	return difference, nil
}

// MulDiv returns a * numerator / denominator without overflow on the way. A coefficient of 1.5 is 15/10. It
// returns [ErrInexact] if the result is not whole and [ErrOverflow] also for a denominator of 0.
func (a Amount) MulDiv(numerator, denominator int64) (Amount, error) {
	if denominator == 0 {
		return 0, ErrOverflow
	}
	negative := (a < 0) != (numerator < 0) != (denominator < 0)
	high, low := bits.Mul64(magnitude(int64(a)), magnitude(numerator))
	divisor := magnitude(denominator)
	if high >= divisor {
		return 0, ErrOverflow
	}
	quotient, remainder := bits.Div64(high, low, divisor)
	switch {
	case remainder != 0:
		return 0, ErrInexact
	case negative && quotient == 1<<63:
		return Min, nil
	case quotient > math.MaxInt64:
		return 0, ErrOverflow
	case negative:
		return -Amount(quotient), nil
	default:
		return Amount(quotient), nil
	}
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n) //nolint:gosec // two's complement: right for the smallest number as well
	}
	return uint64(n)
}

// Sum adds amounts up, whatever their order: a sum that fits is found even if a part of it would not fit.
func Sum(amounts ...Amount) (Amount, error) {
	var high, low uint64
	for _, a := range amounts {
		var carry uint64
		low, carry = bits.Add64(low, uint64(a), 0)
		high, _ = bits.Add64(high, uint64(a>>63), carry)
	}
	sum := Amount(low)
	if high != uint64(sum>>63) {
		return 0, ErrOverflow
	}
	return sum, nil
}

// Parse accepts digits only: "1500000". No sign, no separator, no leading zero.
func Parse(s string) (Amount, error) {
	if !isWhole(s) {
		return 0, ErrFormat
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, ErrOverflow
	}
	return Amount(n), nil
}

// ParseSigned is [Parse] with an optional minus sign before an amount other than 0.
func ParseSigned(s string) (Amount, error) {
	digits, negative := strings.CutPrefix(s, "-")
	if !isWhole(digits) || negative && digits == "0" {
		return 0, ErrFormat
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, ErrOverflow
	}
	return Amount(n), nil
}

func isWhole(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s == "0" || s != "" && s[0] != '0'
}

// String returns the amount as it is written in Vietnam: "1.500.000 ₫".
func (a Amount) String() string {
	digits := strconv.FormatInt(int64(a), 10)
	var b strings.Builder
	if rest, negative := strings.CutPrefix(digits, "-"); negative {
		digits = rest
		b.WriteByte('-')
	}
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte('.')
		}
		b.WriteByte(digits[i])
	}
	b.WriteString(" ₫")
	return b.String()
}

// MarshalJSON writes a JSON integer.
func (a Amount) MarshalJSON() ([]byte, error) { return strconv.AppendInt(nil, int64(a), 10), nil }

// UnmarshalJSON accepts a JSON integer and nothing else: no decimals ("1500.0"), no exponents ("1e6"), no
// text ("1500"), and no null, which would silently be 0.
func (a *Amount) UnmarshalJSON(data []byte) error {
	parsed, err := ParseSigned(string(data))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}
