-- +goose Up

-- Sessions of people. The token itself is in a browser only; here is its SHA-256. A person is an opaque id.
create table signin_sessions (
    token      bytea       primary key check (octet_length(token) = 32),
    id         uuid        not null unique,
    person     text        not null,
    role       text        not null,
    facility   text        not null,
    unit       text        not null,
    bank       text        not null,
    strong     boolean     not null,
    created_at timestamptz not null,
    seen_at    timestamptz not null,
    expires_at timestamptz not null,
    ended_at   timestamptz
);
create index signin_sessions_person on signin_sessions (person) where ended_at is null;
create index signin_sessions_expiry on signin_sessions (expires_at);

-- A person's own second factor. Secrets are sealed; pending is one that no code has confirmed yet. last_step is the
-- last step whose code was taken: no code works twice.
create table signin_factors (
    person       text        primary key,
    secret       bytea,
    pending      bytea,
    last_step    bigint      not null default 0,
    failures     int         not null default 0,
    next_try     timestamptz,
    confirmed_at timestamptz
);

create table signin_recovery_codes (
    person text  not null references signin_factors on delete cascade,
    hash   bytea not null check (octet_length(hash) = 32),
    primary key (person, hash)
);

-- Tokens of a person or machine that were issued at or before a moment are not taken any more.
create table signin_cutoffs (
    person text        primary key,
    until  timestamptz not null
);

-- +goose Down

drop table signin_cutoffs;
drop table signin_recovery_codes;
drop table signin_factors;
drop table signin_sessions;
