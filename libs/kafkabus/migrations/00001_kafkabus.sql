-- +goose Up

-- How far the relay of a topic has published the log: everything up to position, and previous[p+1] is the position
-- that was published last to partition p.
create table relay_positions (
    topic    text     primary key,
    position bigint   not null check (position >= 0),
    previous bigint[] not null check (cardinality(previous) > 0)
);

-- How far a consumer has finished a partition: every record before next_offset, the last of them at that sequence.
-- An operator who accepts that facts are missing sets sequence to the position that the error names as the last
-- missing one; the consumer then goes on by itself.
create table consumer_positions (
    consumer    text,
    topic       text,
    partition   int,
    next_offset bigint not null,
    sequence    bigint not null,
    changed_at  timestamptz not null default now(),
    primary key (consumer, topic, partition)
);

-- +goose Down

drop table consumer_positions;
drop table relay_positions;
