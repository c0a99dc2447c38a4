package kafkabus

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/kafkabus/internal/consume"
	"github.com/songan-vn/songan/libs/kafkabus/internal/envelope"
	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
	"github.com/songan-vn/songan/libs/pg"
)

type (
	// Received is a fact of a service as it arrived over Kafka: the fact as recorded, but without actor and
	// fingerprint; the Previous position that was published to its partition; the Source ("songan/<service>"), and its
	// Place in Kafka.
	Received = envelope.Received

	// Place is where a record stands in Kafka. In text it is topic/partition@offset.
	Place = tail.Place

	// Progress is how far a consumer has come in one partition: the Offset to read next, and the Sequence of the last
	// fact seen, which is its position in the log of the service that published it. The zero value is the start.
	Progress = tail.Progress

	// MissingError says that facts are missing from a partition: After is the last position seen, Next the one that
	// stands where a smaller one was expected, and Previous the last one that is missing.
	MissingError = tail.MissingError

	// HeaderError says which header of a record is missing or odd. It never holds the value.
	HeaderError = tail.HeaderError

	// BodyError says that the body of a record does not hold the fact which its headers name. It never holds the value.
	BodyError = envelope.BodyError

	// TruncatedError says that a partition without a chain of sequences does not hold the place where reading was to
	// go on: records were removed before they were read, or the topic was made anew.
	TruncatedError = tail.TruncatedError

	// Positions keep the progress of a consumer in the table consumer_positions, where an operator may move it on.
	Positions = consume.Positions
)

// Encode returns the message that carries a fact; previous is the position that was published before it to the same
// partition, 0 if there is none. Actor and fingerprint stay behind. A private fact is an error.
func Encode(r events.Recorded, previous int64) (kafka.Message, error) {
	return envelope.Encode(r, previous)
}

// Decode reads a fact out of a message. It believes no header: what is missing, odd or at odds with another header is
// a [HeaderError], a body that does not hold the fact is a [BodyError]. A fact that the catalog does not know is an
// error as well: it comes from a newer version of its service, and skipping it would be guessing.
func Decode(catalog events.Catalog, m kafka.Message) (Received, error) {
	return envelope.Decode(catalog, m)
}

// FromMessage is [Decode] for a message that came from a [Subscriber].
func FromMessage(catalog events.Catalog, m *message.Message) (Received, error) {
	return envelope.FromMessage(catalog, m)
}

// PlaceOf returns where in Kafka the message with this context came from.
func PlaceOf(ctx context.Context) (Place, bool) { return envelope.PlaceOf(ctx) }

// NewPositions returns the progress of the consumer with that name. Two consumers of one name would share it.
func NewPositions(pool *pgxpool.Pool, consumer string) *Positions {
	return consume.NewPositions(pool, consumer)
}

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate makes the tables of relays and consumers in the current schema, or brings them up to date.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("open migrations: %w", err)
	}
	return pg.Migrate(ctx, pool, "kafkabus", files)
}
