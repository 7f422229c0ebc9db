-- Whom invitations were sent to, and what proves that they got them: kept until accepted, revoked or too old.
--
-- The log knows of an invitation (its workspace and role); e-mail addresses and digests of tokens stand here alone.

create table auth.invitations (
  id uuid primary key,
  workspace_id uuid not null,
  email text not null,
  role text not null,
  invited_by uuid not null,
  token_hash bytea not null unique,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  sent_at timestamptz
);

create index invitations_of_workspace on auth.invitations (workspace_id, created_at);
