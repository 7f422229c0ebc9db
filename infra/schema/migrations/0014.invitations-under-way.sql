-- Since when the mail of an invitation has been under way: meanwhile nobody else sends it, with another token.

alter table auth.invitations add column sending_since timestamptz;
