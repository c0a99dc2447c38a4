-- +goose Up

-- API keys that administrators gave out. Of a token's secret there is the SHA-256 alone. Rows stay: who held a key when is
-- asked years later.
create table keybook_keys (
    id         text        primary key,
    hash       bytea       not null check (octet_length(hash) = 32),
    holder     text        not null,
    role       text        not null,
    facility   text        not null,
    unit       text        not null,
    bank       text        not null,
    scopes     text        not null,
    expires_at timestamptz not null,
    successor  text        references keybook_keys (id),
    issued_at  timestamptz not null,
    issued_by  text        not null,
    revoked_at timestamptz,
    revoked_by text
);

-- When keys were last used, of all keyrings, to the minute.
create table keybook_uses (
    key          text        primary key,
    last_used_at timestamptz not null
);
