-- What every projection needs beside its own table: how far it has read, and what caches are keyed by.

create schema read;

create table read.checkpoints (
  projection text not null,
  partition int not null,
  "position" bigint not null default 0,
  primary key (projection, partition)
);

create table read.generations (
  projection text not null,
  scope uuid not null,
  generation bigint not null,
  primary key (projection, scope)
);
