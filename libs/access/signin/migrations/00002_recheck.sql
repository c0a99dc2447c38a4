-- +goose Up

-- What the provider says about somebody is asked again while their session lives: refresh is its token for that, sealed,
-- and checked_at when it was last asked. checking_at is the lease of who asks right now.
alter table signin_sessions add column subject text not null default '';
alter table signin_sessions add column refresh bytea;
alter table signin_sessions add column checked_at timestamptz not null default 'epoch';
alter table signin_sessions add column checking_at timestamptz;
