-- Only a verification token proves an address, and it is always mailed: a reset is mailed to a verified address only.

alter table auth.mail_tokens drop column is_mailed;
