-- Changes of many tasks by one command: what is asked for, the tasks in groups, and what became of them so far.
-- Their progress is the `done` of their operation. An Idempotency-Key finds the one that it began.

create table read.bulk_changes (
  operation uuid primary key references read.operations on delete cascade,
  actor uuid not null,
  idempotency_key text,
  request json not null,
  tasks uuid[] not null,
  group_ends int[] not null,
  selected int not null,
  changed int not null default 0,
  refused_count int not null default 0,
  refused json not null default '[]',
  "position" bigint not null default 0,
  unique (actor, idempotency_key)
);
