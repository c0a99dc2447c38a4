-- +goose Up
-- What a person is shown of themselves is read for nobody's work: it does not make the data be kept for longer.
alter table vault_readings drop constraint vault_readings_kind_check;
alter table vault_readings add check (kind in ('read', 'document', 'name', 'report'));

-- "Who read me?" is asked by references, "whom has this key read?" by time.
create index vault_readings_refs on vault_readings using gin (refs);
create index vault_readings_at on vault_readings using brin (at);
