package tail

import "fmt"

// Place is where a record stands in Kafka.
type Place struct {
	Topic     string
	Partition int
	Offset    int64
}

// String names the place for people: topic/partition@offset.
func (p Place) String() string { return fmt.Sprintf("%s/%d@%d", p.Topic, p.Partition, p.Offset) }

// HeaderError says which header of a record is missing or odd. It never holds the value.
type HeaderError struct{ Header, Reason string }

// Error names the header and what is wrong with it.
func (e *HeaderError) Error() string { return fmt.Sprintf("header %s %s", e.Header, e.Reason) }

// MissingError says that facts are missing from a partition. What is missing stands between After and Next, and the
// last missing one is Previous.
type MissingError struct {
	Topic     string
	Partition int
	// After is the last position that was seen.
	After int64
	// Next is the position that stands where a smaller one was expected.
	Next int64
	// Previous is the position that, by the record at Next, was published to the partition just before it.
	Previous int64
}

// Error says which positions are missing.
func (e *MissingError) Error() string {
	return fmt.Sprintf("topic %s partition %d: positions after %d up to %d are missing: %d follows %d",
		e.Topic, e.Partition, e.After, e.Previous, e.Next, e.Previous)
}

// TruncatedError says that a partition without a chain of sequences does not hold the offset where reading was to go
// on: records were removed before they were read, or the topic was made anew.
type TruncatedError struct {
	// Place is where reading was to go on.
	Place Place
	// First and End are the offsets that the partition holds: First <= offset < End.
	First, End int64
}

// Error says where reading was to go on and what is there instead.
func (e *TruncatedError) Error() string {
	return fmt.Sprintf("%s was to be read next, but the partition holds offsets %d to %d", e.Place, e.First, e.End-1)
}
