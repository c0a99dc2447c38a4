// Package kafka stands in for the real one, which only its import path matters of.
package kafka

type Message struct{}
