-- +goose Up
-- What a law or a case forbids to erase, for now.
create table vault_holds (
    ref     uuid        not null,
    reason  text        not null,
    at      timestamptz not null,
    actor   text        not null,
    until   timestamptz not null,
    primary key (ref, reason)
);
