// Package conformance runs Watermill's own test suite for publishers and subscribers against those of kafkabus, part by
// part: with one key per payload, where messages have to keep their order, and with one key per message, where they run
// at the same time. What becomes of messages while the broker restarts is a test of ours. It is a package of its own
// because the suite leaves a goroutine behind, which the tests of kafkabus do not allow.
package conformance
