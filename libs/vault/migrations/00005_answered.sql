-- +goose Up
-- Who asked is needed until the answer. Afterwards a register that can be searched by document would bring back whom an
-- erasure has just made unfindable; what became of the request stays.
alter table vault_requests alter column document_index drop not null;
update vault_requests set document_index = null where answered_at is not null;
alter table vault_requests add check ((document_index is null) = (answered_at is not null));
