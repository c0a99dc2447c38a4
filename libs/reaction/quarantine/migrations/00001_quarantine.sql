-- +goose Up
-- Facts that a reaction could not digest, and those of the same key that came behind them.
create table quarantine (
    id             bigint generated always as identity primary key,
    consumer       text        not null,
    topic          text        not null,
    partition      int         not null,
    kafka_offset   bigint      not null,
    key            text        not null,  -- of the message; a key is parked as long as it has an open row
    fact           text        not null,  -- ce_id, or the name of a message without one
    stream         text        not null,
    type           text        not null,
    payload        bytea       not null,
    headers        jsonb       not null,
    error_code     text        not null,  -- a problem's code, a panic, undecodable, behind, ...
    error_text     text        not null,  -- without values
    attempts       int         not null,
    quarantined_at timestamptz not null,
    released_at    timestamptz,
    discarded_at   timestamptz,
    actor          text,                  -- who released or discarded it
    reason         text,
    unique (consumer, topic, fact),
    check (released_at is null or discarded_at is null)
);

create index quarantine_open on quarantine (consumer, topic, key, id)
    where released_at is null and discarded_at is null;

-- +goose Down
drop table quarantine;
