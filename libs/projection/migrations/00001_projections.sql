-- +goose Up
-- Where each read model stands in each of its sources. Written in the transaction of the rows themselves.
create table projection_checkpoints (
    name         text        not null,  -- versioned: stays_v1; a rebuild in progress has /rebuild behind it
    source       text        not null,  -- log, or a topic
    partition    int         not null,
    position     bigint      not null,  -- of the last fact applied, in the log of the service that recorded it
    kafka_offset bigint      not null,  -- of the next message to read; 0 for the own log
    updated_at   timestamptz not null default now(),
    primary key (name, source, partition)
);

-- Every version of every read model that has tables here, and which of them the views show.
create table projection_versions (
    name        text        primary key,  -- stays_v1
    base        text        not null,     -- stays
    version     int         not null,
    tables      text[]      not null,     -- stays_v1, stays_by_day_v1
    serving     boolean     not null default false,
    wanted      boolean     not null default false,  -- by an operator, instead of the highest version
    created_at  timestamptz not null default now(),
    switched_at timestamptz
);

create unique index projection_versions_serving on projection_versions (base) where serving;

-- +goose Down
drop table projection_versions;
drop table projection_checkpoints;
