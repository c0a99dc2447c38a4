package money_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/money"
)

// outcome is a result with its error, so that both are compared at once.
type outcome struct {
	Amount money.Amount
	Err    string
}

func outcomeOf(a money.Amount, err error) outcome {
	if err != nil {
		return outcome{a, err.Error()}
	}
	return outcome{Amount: a}
}

// exact is what arithmetic without limits says, refused where it does not fit.
func exact(n *big.Int) outcome {
	if !n.IsInt64() {
		return outcome{Err: money.ErrOverflow.Error()}
	}
	return outcome{Amount: money.Amount(n.Int64())}
}

func amounts() *rapid.Generator[money.Amount] {
	return rapid.Custom(func(t *rapid.T) money.Amount {
		edge := rapid.SampledFrom([]int64{0, 1, -1, int64(money.Max), int64(money.Min), int64(money.Max) - 1, int64(money.Min) + 1})
		return money.Amount(rapid.OneOf(rapid.Int64(), edge, rapid.Int64Range(-1e9, 1e9)).Draw(t, "amount"))
	})
}

func TestSumsAgreeWithArithmeticWithoutLimits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := amounts().Draw(t, "a"), amounts().Draw(t, "b")
		bigA, bigB := big.NewInt(int64(a)), big.NewInt(int64(b))
		for name, pair := range map[string][2]outcome{
			"a + b": {outcomeOf(a.Add(b)), exact(new(big.Int).Add(bigA, bigB))},
			"a - b": {outcomeOf(a.Sub(b)), exact(new(big.Int).Sub(bigA, bigB))},
		} {
			if diff := cmp.Diff(pair[1], pair[0]); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

func TestSumDoesNotDependOnTheOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(amounts()).Draw(t, "amounts")
		want := new(big.Int)
		for _, a := range list {
			want.Add(want, big.NewInt(int64(a)))
		}
		shuffled := rapid.Permutation(list).Draw(t, "shuffled")
		if diff := cmp.Diff(exact(want), outcomeOf(money.Sum(shuffled...))); diff != "" {
			t.Fatalf("sum (-want +got):\n%s", diff)
		}
	})
}

func TestSharesAreExactOrRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := amounts().Draw(t, "a")
		n, d := int64(amounts().Draw(t, "numerator")), int64(amounts().Draw(t, "denominator"))
		product := new(big.Int).Mul(big.NewInt(int64(a)), big.NewInt(n))
		want := outcome{Err: money.ErrOverflow.Error()}
		if d != 0 {
			quotient, remainder := new(big.Int).QuoRem(product, big.NewInt(d), new(big.Int))
			want = exact(quotient)
			if remainder.Sign() != 0 && want.Err == "" {
				want = outcome{Err: money.ErrInexact.Error()}
			}
		}
		got := outcomeOf(a.MulDiv(n, d))
		// Where a share is both too large and uneven, either answer is right.
		if want.Err != "" && got.Err != "" && d != 0 {
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("a * n / d (-want +got):\n%s", diff)
		}
	})
}

func TestTheEdgesOfArithmeticAreRefusedNotWrapped(t *testing.T) {
	t.Parallel()
	overflow := outcome{Err: money.ErrOverflow.Error()}
	got := []outcome{
		outcomeOf(money.Min.MulDiv(2, 1)), outcomeOf(money.Min.MulDiv(-1, 1)), outcomeOf(money.Min.MulDiv(-1, -1)),
		outcomeOf(money.Max.MulDiv(4, 2)), outcomeOf(money.Min.MulDiv(1, 0)), outcomeOf(money.Amount(0).MulDiv(0, 0)),
	}
	want := []outcome{overflow, overflow, {Amount: money.Min}, overflow, overflow, overflow}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
}

func TestWhatIsWrittenCanBeRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := amounts().Draw(t, "a")
		data, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var fromJSON money.Amount
		if err := json.Unmarshal(data, &fromJSON); err != nil {
			t.Fatal(err)
		}
		signed, err := money.ParseSigned(string(data))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]money.Amount{a, a}, []money.Amount{fromJSON, signed}); diff != "" {
			t.Fatalf("read back (-want +got):\n%s", diff)
		}
	})
}

func TestOnlyDigitsAreAnAmount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]outcome{
		"0":                   {Amount: 0},
		"1500000":             {Amount: 1_500_000},
		"9223372036854775807": {Amount: money.Max},
		"9223372036854775808": {Err: money.ErrOverflow.Error()},
		"":                    {Err: money.ErrFormat.Error()},
		"-1":                  {Err: money.ErrFormat.Error()},
		"+1":                  {Err: money.ErrFormat.Error()},
		"007":                 {Err: money.ErrFormat.Error()},
		"1.500":               {Err: money.ErrFormat.Error()},
		"1500.00":             {Err: money.ErrFormat.Error()},
		"1,500":               {Err: money.ErrFormat.Error()},
		"1e6":                 {Err: money.ErrFormat.Error()},
		"1_000":               {Err: money.ErrFormat.Error()},
		" 1":                  {Err: money.ErrFormat.Error()},
		"١٥٠٠":                {Err: money.ErrFormat.Error()},
	} {
		if diff := cmp.Diff(want, outcomeOf(money.Parse(text))); diff != "" {
			t.Errorf("Parse(%q) (-want +got):\n%s", text, diff)
		}
	}
}

func TestJSONTakesIntegersOnly(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`1500.0`, `1.5`, `1e6`, `1E2`, `"1500"`, `null`, `true`, `-0`, `9223372036854775808`, `[1]`} {
		body := struct {
			Amount money.Amount `json:"amount"`
		}{Amount: 7}
		if err := json.Unmarshal([]byte(`{"amount":`+text+`}`), &body); err == nil {
			t.Errorf("%s was read as %d", text, body.Amount)
		}
		if body.Amount != 7 {
			t.Errorf("%s changed the amount to %d before it was refused", text, body.Amount)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0", "1500000", "-1", "1.500.000 ₫", "1e6", "9223372036854775808", "1.500,00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := money.Parse(text); err == nil && fmt.Sprint(int64(a)) != text {
			t.Errorf("%q was read as %d", text, int64(a))
		}
	})
}

// The arrears of a beneficiary with coefficient 1.5, four months after the standard rose from 500,000 to 540,000.
func Example() {
	before, _ := money.Amount(500_000).MulDiv(15, 10)
	after, _ := money.Amount(540_000).MulDiv(15, 10)
	monthly, _ := after.Sub(before)
	arrears, _ := monthly.MulDiv(4, 1)
	fmt.Println(before, "->", after, "four months owed:", arrears)

	_, err := money.Amount(500_001).MulDiv(15, 10)
	fmt.Println(errors.Is(err, money.ErrInexact))
	// Output:
	// 750.000 ₫ -> 810.000 ₫ four months owed: 240.000 ₫
	// true
}
