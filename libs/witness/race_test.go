//go:build race

package witness_test

// tamperings are fewer under the race detector, which is ten times slower and looks for something else.
const tamperings = 100
