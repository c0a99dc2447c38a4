package vn

import (
	"testing"

	"pgregory.net/rapid"
)

// The quick way says what the thorough one says, of every character and of texts that mix all kinds.
func TestVietnameseIsFoldedQuicklyAndTheSame(t *testing.T) {
	t.Parallel()
	quick := 0
	for r := range rune(0x2000) {
		if folded, ok := foldVietnamese(string(r)); ok {
			quick++
			if want := foldAny(string(r)); folded != want {
				t.Errorf("%U folds to %q, %q", r, folded, want)
			}
		}
	}
	const letters = 1 + 52 + 134 // a space, A to z, and those with marks in Vietnamese
	if quick < letters {
		t.Errorf("%d characters are folded quickly", quick)
	}
	mixed := rapid.StringOf(rapid.OneOf(
		rapid.RuneFrom([]rune("  ABCxyzÀÝàýĂăĐđĨĩŨũƠơƯưẠạỸỹỆệỨứ")), rapid.RuneFrom([]rune("\u0301\u0323'’-.·`1\tßØıŁ")),
	))
	rapid.Check(t, func(t *rapid.T) {
		s := mixed.Draw(t, "text")
		if folded, ok := foldVietnamese(s); ok && folded != foldAny(s) {
			t.Fatalf("%q folds to %q, %q", s, folded, foldAny(s))
		}
	})
}

func BenchmarkFold(b *testing.B) {
	b.Run("quickly", func(b *testing.B) {
		for b.Loop() {
			foldVietnamese("Nguyễn Thị Hồng Nhung")
		}
	})
	b.Run("thoroughly", func(b *testing.B) {
		for b.Loop() {
			foldAny("Nguyễn Thị Hồng Nhung")
		}
	})
}
