-- Read models by build: a table of its own for each time that a projection was folded from the first event.
--
-- `serving` says which build answers for a projection as some code folds it, named by a fingerprint: so old and new
-- processes run side by side, each on its own. Switching is one row. `previous` is what was served before, for going
-- back. Everything that belongs to a build goes with it. `rate` is how many events a second were folded when the
-- checkpoint last moved, averaged so that what is ten seconds old counts for a third. Each checkpoint says of how many
-- partitions it is one, so that who takes it finds both as they were read, or nothing.

drop table if exists read.task_list, read.project_list, read.workspace_list;
drop table read.checkpoints, read.generations, read.parked;

create table read.builds (
  build int generated always as identity primary key,
  projection text not null,
  fingerprint text not null,
  events_per_s double precision,
  made_at timestamptz not null default now()
);

create table read.serving (
  projection text not null,
  fingerprint text not null,
  build int not null references read.builds,
  previous int references read.builds on delete set null,
  since timestamptz not null default now(),
  primary key (projection, fingerprint)
);

create table read.checkpoints (
  build int not null references read.builds on delete cascade,
  partition int not null,
  partitions int not null,
  "position" bigint not null,
  moved_at timestamptz not null default now(),
  rate double precision not null default 0,
  primary key (build, partition)
);

-- A generation never comes back, whatever is lost or restored: it is a time in microseconds, made larger where need be.

create table read.generations (
  build int not null references read.builds on delete cascade,
  scope uuid not null,
  generation bigint not null,
  primary key (build, scope)
);

-- Documents that a build shows no further: one of their events, the first of them at `position`, cannot be folded.
-- `unknown` is its stored name where nothing but its name is known: code that knows it folds the document again.

create table read.parked (
  build int not null references read.builds on delete cascade,
  document text not null,
  "position" bigint not null,
  workspace_id uuid,
  unknown text,
  reason text not null,
  parked_at timestamptz not null default now(),
  primary key (build, document)
);

-- Long works that somebody asked for, and how far they are.

create table read.operations (
  id uuid primary key,
  kind text not null,
  projection text not null,
  fingerprint text not null,
  options jsonb not null default '{}',
  state text not null default 'waiting',
  phase text not null default '',
  done bigint not null default 0,
  total bigint not null default 0,
  outcome jsonb,
  asked_by uuid,
  asked_at timestamptz not null default now(),
  began_at timestamptz,
  heard_at timestamptz,
  ended_at timestamptz
);
