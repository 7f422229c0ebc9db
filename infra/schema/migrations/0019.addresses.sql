-- An address is compared in one spelling, which SQL cannot derive: invitations keep it beside the one that was typed.
-- The key that addresses are reserved under must never change: its fingerprint tells.

alter table auth.invitations add column address text;
update auth.invitations set address = lower(normalize(email, nfc));

create table auth.address_key (
  is_only boolean primary key default true check (is_only),
  fingerprint bytea not null
);
