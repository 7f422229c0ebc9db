-- States of long streams, so that deciding need not read them from the beginning. A cache: everything in it may go.
--
-- `fingerprint` is a digest of the code that folded; a row of other code is passed over, and written anew.

create table read.snapshots (
  stream uuid not null,
  kind text not null,
  fingerprint bytea not null,
  version bigint not null,
  state bytea not null,
  primary key (stream, kind)
);
