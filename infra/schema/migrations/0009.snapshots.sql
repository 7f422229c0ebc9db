-- States of long streams, so that deciding need not read them from the beginning. A cache: everything in it may go.
--
-- `fingerprint` is a digest of the code that folded, `command_id` names the event at that version: a row of other
-- code, or of a log that was restored to an earlier day, is passed over and written anew.

create table read.snapshots (
  stream uuid not null,
  kind text not null,
  fingerprint bytea not null,
  version bigint not null,
  command_id uuid not null,
  state bytea not null,
  primary key (stream, kind)
);
