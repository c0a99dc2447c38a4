-- +goose Up
-- What was erased because its time was over: by which rule, and how much of it. The references stand in the ledger.
create table vault_retention (
    id          bigint      generated always as identity primary key,
    at          timestamptz not null,
    rule        text        not null,
    legal_basis text        not null,
    purpose     text        not null,
    before      timestamptz not null,
    rows        bigint      not null,
    refs_sha256 text        not null
);

-- What people asked for about their data, and what became of it. Who they are stands there as a blind index alone.
create table vault_requests (
    id             uuid        primary key,
    kind           text        not null check (kind in ('access', 'erasure')),
    case_ref       text        not null,
    document_index bytea       not null,
    actor          text        not null,
    received_at    timestamptz not null,
    answer_by      timestamptz not null,
    done_by        timestamptz not null,
    legal_basis    text        not null,
    answered_at    timestamptz,
    answered_by    text,
    outcome        text,
    erased         int         not null default 0,
    kept           int         not null default 0,
    refs_sha256    text        not null default '',
    unique (kind, case_ref),
    check ((answered_at is null) = (outcome is null))
);
create index vault_requests_open on vault_requests (answer_by) where answered_at is null;
