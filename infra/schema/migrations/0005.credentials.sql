-- Password hashes: the one thing that is kept outside the log, because it must be able to vanish.
-- A row is written before its user's events; one without events is harmless.

create schema auth;

create table auth.credentials (
  user_id uuid primary key,
  password_hash text not null,
  created_at timestamptz not null default now()
);
