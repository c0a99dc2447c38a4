-- +goose Up
-- The leaf hashes of the log's Merkle tree, 1,024 a row, in the order of positions. They are a copy that speeds things
-- up: what proves the log is the signed checkpoints outside this database.
create table witness_leaves (
    chunk  bigint primary key,
    leaves bytea not null
);
