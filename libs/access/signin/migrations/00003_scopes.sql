-- +goose Up

-- What a person's account is for among what their role may call, as the provider says; see access.Scopes.
alter table signin_sessions add column scopes text not null default '';
