// Package conformance runs Watermill's own test suite for publishers and subscribers against those of kafkabus, part by
// part: with one key per payload, where messages have to keep their order; with one key per message, where they run
// at the same time; and with a broker that is restarted twice in the middle. It is a package of its own because the
// suite leaves a goroutine behind, which the tests of kafkabus do not allow.
package conformance
