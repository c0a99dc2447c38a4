-- +goose Up

-- What the request said that made a key: the same Idempotency-Key with other words is another request.
alter table keybook_keys add column request text not null default '';

-- Keys are looked up by who holds them and who gave them out, when that person is cut off.
create index keybook_keys_holder on keybook_keys (holder);
create index keybook_keys_issuer on keybook_keys (issued_by);
