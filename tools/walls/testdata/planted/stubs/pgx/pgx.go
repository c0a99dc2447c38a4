// Package pgx stands in for the real one, which only its import path matters of.
package pgx

type Tx interface{}
