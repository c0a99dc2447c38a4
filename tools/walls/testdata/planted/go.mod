// A small copy of the house in which every wall is broken. "want" names the linter and a word of its finding;
// a line without one must not be found.
module github.com/songan-vn/songan

go 1.26.0

require (
	github.com/jackc/pgx/v5 v5.0.0
	github.com/prometheus/client_golang v1.0.0
	github.com/segmentio/kafka-go v0.0.1
	go.uber.org/zap v1.0.0
)

replace (
	github.com/jackc/pgx/v5 => ./stubs/pgx
	github.com/prometheus/client_golang => ./stubs/prometheus
	github.com/segmentio/kafka-go => ./stubs/kafka
	go.uber.org/zap => ./stubs/zap
)
