-- +goose Up
-- What tells a repeat of the call that registered a request, when nobody knows any more whom it was about: the name of its
-- idempotency key, and of the key together with what was said. Who lacks the key, which is kept nowhere, learns nothing by either.
alter table vault_requests
    add column taken_at timestamptz not null default now(),
    add column cause    text        not null default '',
    add column said     text        not null default '';
