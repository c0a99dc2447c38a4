// Package dice throws numbers that follow from a seed alone, so that everything the simulators make up or do wrong
// happens again in the same way: on every machine, with every version of Go, in whatever order it is asked for.
package dice

import "math/bits"

// Dice is a series of numbers.
type Dice struct{ state uint64 }

// New starts a series of its own for every combination of seed and parts.
func New(seed uint64, parts ...uint64) *Dice {
	state := Mix(seed)
	for _, part := range parts {
		state = Mix(state ^ Mix(part+1))
	}
	return &Dice{state}
}

// Mix scatters x over all 64 bits; no two x are scattered to the same number.
func Mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Next returns any number: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
func (d *Dice) Next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	return Mix(d.state)
}

// Below returns a number from 0 to n-1.
func (d *Dice) Below(n uint64) uint64 {
	high, _ := bits.Mul64(d.Next(), n)
	return high
}

// Between returns a number from least to most, both included.
func (d *Dice) Between(least, most int) int { return least + int(d.Below(uint64(most-least+1))) }

// OneIn is true once in n throws.
func (d *Dice) OneIn(n uint64) bool { return d.Below(n) == 0 }

// Pick returns one of the list.
func Pick[T any](d *Dice, list []T) T { return list[d.Below(uint64(len(list)))] }

// Permutation shuffles the numbers 0 to n-1 without a table, and back again: a Feistel network over the next even
// number of bits, walked until it lands below n.
type Permutation struct {
	n, key uint64
	half   uint
}

const feistelRounds = 4

// NewPermutation returns the shuffle of the numbers below n that follows from key.
func NewPermutation(n, key uint64) Permutation {
	return Permutation{n: n, key: key, half: uint(bits.Len64(max(n, 2)-1)+1) / 2}
}

// Apply returns where x lands.
func (p Permutation) Apply(x uint64) uint64 {
	for x = p.encrypt(x); x >= p.n; {
		x = p.encrypt(x)
	}
	return x
}

// Invert returns what landed at x.
func (p Permutation) Invert(x uint64) uint64 {
	for x = p.decrypt(x); x >= p.n; {
		x = p.decrypt(x)
	}
	return x
}

func (p Permutation) encrypt(x uint64) uint64 {
	left, right := x>>p.half, x&p.mask()
	for round := range uint64(feistelRounds) {
		left, right = right, left^p.round(round, right)
	}
	return left<<p.half | right
}

func (p Permutation) decrypt(x uint64) uint64 {
	left, right := x>>p.half, x&p.mask()
	for round := range uint64(feistelRounds) {
		left, right = right^p.round(feistelRounds-1-round, left), left
	}
	return left<<p.half | right
}

func (p Permutation) mask() uint64 { return 1<<p.half - 1 }

func (p Permutation) round(round, x uint64) uint64 { return Mix(p.key^Mix(x<<3|round)) & p.mask() }
