-- +goose Up
-- Beside the log, the register of who read whom has a tree.
alter table witness_leaves
    add column tree text not null default 'facts' check (tree in ('facts', 'readings')),
    drop constraint witness_leaves_pkey,
    add primary key (tree, chunk);
