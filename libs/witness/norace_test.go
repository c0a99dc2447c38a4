//go:build !race

package witness_test

const tamperings = 1000
