-- Documents that a projection shows no further: one of their events is unknown to the code that folds.
-- A rebuild folds them again.

create table read.parked (
  projection text not null,
  document uuid not null,
  "position" bigint not null,
  reason text not null,
  primary key (projection, document)
);
