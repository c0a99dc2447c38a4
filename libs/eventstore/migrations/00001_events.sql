-- +goose Up
create table events (
    position    bigint      primary key,
    stream      text        collate "C" not null,
    version     int         not null,
    type        text        collate "C" not null,
    data        json        not null, -- as it was written: what is read, sent and hashed is the same to the byte
    meta        json        not null,
    append      bigint      not null, -- random, one per append: whose facts are these, when an answer was lost?
    recorded_at timestamptz not null,
    constraint events_stream_version unique (stream, version)
);

-- What happened has happened.
-- +goose StatementBegin
create function events_are_final() returns trigger language plpgsql as $$
begin
    raise exception 'events are appended, never changed or removed' using errcode = 'restrict_violation';
end
$$;
-- +goose StatementEnd
create trigger events_are_final before update or delete or truncate on events
    for each statement execute function events_are_final();

-- The stream that a key of a request changed first. Only what asks for it is remembered, and nothing is ever forgotten.
create table idempotency_keys (
    cause  text collate "C" primary key,
    stream text collate "C" not null
);

-- append_batch appends facts that follow from what their writers know of the streams: version after version, all of them or,
-- when one of them is there already, none (unique_violation). It answers with the position of the first one.
--
-- Nothing is looked up: a version that somebody else has taken is found by the index that keeps streams dense, and a writer
-- cannot know of a version that is not there.
-- +goose StatementBegin
create function append_batch(
    streams text[], versions int[], types text[], data json[], metas json[], appends bigint[], -- per fact
    causes text[], changed text[],                                                             -- per cause to remember
    refs text[], purposes text[], keys text[], ciphertexts bytea[],                            -- per row of the vault
    documents bytea[], names bytea[], expiries timestamptz[],
    out first bigint, out recorded timestamptz
) language plpgsql as $$
declare
    remembered int;
begin
    -- Writers take turns until they have committed, so that commit order is the order of positions. A lock
    -- instead of a row that is updated: dead versions of such a row slow down everybody under a long snapshot.
    perform pg_advisory_xact_lock('events'::regclass::oid::bigint);
    select coalesce(max(e.position), 0) + 1 into first from events e;
    recorded := clock_timestamp();

    -- side by side in the select list: in the from clause, unnest would copy all of them once more
    insert into events (position, stream, version, type, data, meta, append, recorded_at)
    select generate_series(first, first + cardinality(streams) - 1),
           unnest(streams), unnest(versions), unnest(types), unnest(data), unnest(metas), unnest(appends), recorded;

    if cardinality(refs) > 0 then
        insert into vault (ref, purpose, key, ciphertext, document_index, name_index, expires_at)
        select r.ref::uuid, r.purpose, r.key, r.ciphertext, r.document, r.name, r.expires
        from unnest(refs, purposes, keys, ciphertexts, documents, names, expiries)
             as r(ref, purpose, key, ciphertext, document, name, expires);
    end if;

    if cardinality(causes) > 0 then
        insert into idempotency_keys (cause, stream) select * from unnest(causes, changed) on conflict do nothing;
        get diagnostics remembered = row_count;
        if remembered < cardinality(causes) then
            raise unique_violation;
        end if;
    end if;
end
$$;
-- +goose StatementEnd

-- append_batch_carefully appends what it can of a batch that append_batch refused, or that may be there already because its answer
-- was lost. It has commands, each with the facts of one append to one stream, and answers per command: the position of
-- its first fact, 0 if the stream was not at the expected version, or -1 if its cause (where there is one to remember)
-- has changed another stream before. Commands that have been appended before get the answers that they would have got.
--
-- Facts come in the order of their commands. earlier[i] is the last command before i on the same stream, or 0; or a command that
-- is not there, if i is to be looked for only: its stream has no version then, and i conflicts unless it was appended before.
-- +goose StatementBegin
create function append_batch_carefully(
    expected int[], facts int[], earlier int[], appends bigint[], causes text[],          -- per command
    command int[], nth int[], streams text[], types text[], data json[], metas json[],    -- per fact
    owner int[], refs text[], purposes text[], keys text[], ciphertexts bytea[],          -- per row of the vault
    documents bytea[], names bytea[], expiries timestamptz[],
    out positions bigint[], out recorded timestamptz[]
) language plpgsql as $$
declare
    head    bigint;
    version int[]; -- of the command's stream: before it, then after it
    fact    int := 1;
    at_fact int := 1;
    found_position bigint;
    found_recorded timestamptz;
begin
    perform pg_advisory_xact_lock('events'::regclass::oid::bigint);
    select coalesce(max(e.position), 0) into head from events e;
    recorded := array_fill(clock_timestamp(), array[cardinality(expected)]);
    positions := array_fill(0::bigint, array[cardinality(expected)]);

    select array_agg(coalesce((select e.version from events e where e.stream = f.stream order by e.version desc limit 1), 0)
               order by f.command)
    into version
    from unnest(command, nth, streams) as f(command, nth, stream) where f.nth = 1;

    for i in 1 .. cardinality(expected) loop
        if earlier[i] > 0 then
            version[i] := version[earlier[i]];
        end if;
        if version[i] = expected[i] then
            if causes[i] <> '' then
                insert into idempotency_keys (cause, stream) values (causes[i], streams[at_fact]) on conflict do nothing;
                if not exists (select from idempotency_keys k where k.cause = causes[i] and k.stream = streams[at_fact]) then
                    positions[i] := -1;
                end if;
            end if;
            if positions[i] = 0 then
                positions[i] := head + 1;
                head := head + facts[i];
                version[i] := version[i] + facts[i];
            end if;
        end if;
        at_fact := at_fact + facts[i];
    end loop;

    insert into events (position, stream, version, type, data, meta, append, recorded_at)
    select positions[f.command] + f.nth - 1, f.stream, expected[f.command] + f.nth, f.type, f.data, f.meta,
           appends[f.command], recorded[f.command]
    from unnest(command, nth, streams, types, data, metas) as f(command, nth, stream, type, data, meta)
    where positions[f.command] > 0;

    if cardinality(refs) > 0 then
        insert into vault (ref, purpose, key, ciphertext, document_index, name_index, expires_at)
        select r.ref::uuid, r.purpose, r.key, r.ciphertext, r.document, r.name, r.expires
        from unnest(owner, refs, purposes, keys, ciphertexts, documents, names, expiries)
             as r(owner, ref, purpose, key, ciphertext, document, name, expires)
        where positions[r.owner] > 0;
    end if;

    for i in 1 .. cardinality(expected) loop
        if positions[i] = 0 then
            select e.position, e.recorded_at into found_position, found_recorded from events e
            where e.stream = streams[fact] and e.version = expected[i] + 1 and e.append = appends[i];
            if found then
                positions[i] := found_position;
                recorded[i] := found_recorded;
            end if;
        end if;
        fact := fact + facts[i];
    end loop;
end
$$;
-- +goose StatementEnd
