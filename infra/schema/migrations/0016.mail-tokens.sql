-- Tokens that were mailed to a user, to set a new password or to verify the address: digests only, outside the log.
-- A user has one token for each purpose: a new one replaces it, and its use deletes it.
--
-- Mailed is what a mail server took: only such a token proves that its holder receives the mail of an address. In
-- development without a mail server tokens are printed, and prove nothing.

create table auth.mail_tokens (
  user_id uuid not null,
  purpose text not null,
  hash bytea not null unique,
  is_mailed boolean not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  primary key (user_id, purpose)
);

create index mail_tokens_expiry on auth.mail_tokens (expires_at);

alter table auth.invitations add column is_mailed boolean not null default false;
