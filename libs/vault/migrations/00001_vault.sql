-- +goose Up
create table vault (
    ref            uuid        primary key,
    purpose        text        not null,
    key            text        not null,
    ciphertext     bytea       not null,
    document_index bytea,
    name_index     bytea,
    expires_at     timestamptz,
    created_at     timestamptz not null default now()
);
-- ciphertext does not compress: do not try
alter table vault alter column ciphertext set storage external;

-- They are looked for one by one, and lie all over a b-tree.
create index vault_document on vault using hash (document_index) where document_index is not null;
create index vault_name     on vault using hash (name_index)     where name_index     is not null;
create index vault_expiry   on vault (expires_at) where expires_at is not null;

-- one data key per month; a destroyed one stays as a tombstone, so that it cannot be made again
create table vault_keys (
    id           text        primary key check (id ~ '^\d{4}-\d{2}$'),
    wrapped      bytea,
    created_at   timestamptz not null,
    destroyed_at timestamptz,
    check ((wrapped is null) = (destroyed_at is not null))
);

-- who read whom, why, and in which case; searched values are never kept
create table vault_readings (
    id       bigint      generated always as identity primary key,
    at       timestamptz not null,
    kind     text        not null check (kind in ('read', 'document', 'name')),
    actor    text        not null,
    purpose  text        not null,
    case_ref text        not null,
    refs     uuid[]      not null
);

create table vault_erasures (
    ref    uuid        primary key,
    at     timestamptz not null,
    actor  text        not null,
    reason text        not null
);
