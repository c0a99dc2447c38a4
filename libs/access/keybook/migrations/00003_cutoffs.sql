-- +goose Up

-- Who was cut off, a person or the holder of a key, and when for the last time: services that give out keys of their own refuse
-- those that they gave out until then.
create table keybook_cutoffs (
    person text        primary key,
    until  timestamptz not null
);
