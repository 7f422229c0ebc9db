-- Who is logged in, and with what: secrets stand here as SHA-256 digests only, personal data but a browser's name not at all.
--
-- A refresh token is good until it is rotated: then another is, in the same session. One that comes back later
-- ends the session, so all of them are kept as long as it. What has just been revoked is known to every process
-- within a second: they read `revoked` again and again, and it forgets what no token can be valid of any more.

alter table auth.credentials add column password_id uuid;

create table auth.sessions (
  id uuid primary key,
  user_id uuid not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null,
  user_agent text not null
);

create index sessions_user on auth.sessions (user_id);
create index sessions_expiry on auth.sessions (expires_at);

create table auth.refresh_tokens (
  hash bytea primary key,
  session_id uuid not null references auth.sessions on delete cascade,
  created_at timestamptz not null default now(),
  rotated_at timestamptz
);

create index refresh_tokens_session on auth.refresh_tokens (session_id);

create table auth.tokens (
  id uuid primary key,
  user_id uuid not null,
  hash bytea not null unique,
  kind text not null,
  scope text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz
);

create index tokens_user on auth.tokens (user_id);

create table auth.revoked (
  id uuid primary key,
  revoked_at timestamptz not null default now()
);

create index revoked_time on auth.revoked (revoked_at);
