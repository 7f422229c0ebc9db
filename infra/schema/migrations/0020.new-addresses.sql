-- A change of address is confirmed by a token that is mailed to the new one, which stands here until then.

alter table auth.mail_tokens add column email text;
