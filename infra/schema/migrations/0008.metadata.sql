-- What every event says of where it came from, and the append that writes it, for groups with several keys a command.
--
-- `correlation_id` is the trace that the command belongs to (the trace-id of W3C Trace Context), `causation_id`
-- what directly caused it: the caller's span (its parent-id), or what a rule names. The index is for reading
-- a workspace from a position.

alter table log.events add column correlation_id uuid, add column causation_id text;

create index events_workspace on log.events (workspace_id, notification_id);

create or replace view log.event_log as
select
  notification_id as "position", originator_id as stream, originator_version as version,
  topic as type, convert_from(state, 'UTF8')::jsonb - 'type' as data,
  recorded_at, at, actor_id, actor_kind, on_behalf_of, command_id, workspace_id, correlation_id, causation_id
from log.events;

drop function log.append(
  int[], uuid[], bigint[], int[], uuid[], bigint[], text[], bytea[],
  uuid[], uuid[], text[], uuid[], uuid[], text[], bytea[], bytea[]
);

-- The one way into the log, for a group of commands at once: each whole or not at all, in the order given.
--
-- An entry is one command. `streams` are all that the group looked at, each once, with the version that it was at
-- before the group (`bases`; null where the entries disagree). `seen` says what each entry looked at, by the
-- place of the stream: the version that it has, or will have once the entries before it are written. So do the
-- events. Entries are numbered from 1, and stand in order in every array.
--
-- The first statement takes the lock that makes positions come in the order of commits; a later one reads the
-- versions. A statement that did both would see a snapshot older than its lock.
--
-- Answers one row with entry 0: the positions of all events of the entries that hold, in their order, and the head
-- of the log. Every other entry has rows of its own:
--   stale        something it looked at has changed, or rides on an entry that failed, even where somebody else's
--                event made the version right: these streams, and nothing of it is written;
--   positions    it is in the log already, as its command id says: answered as the first time, so that a group
--                whose answer got lost is sent again;
--   key          another command of this actor had this key: what was kept then, a row for each such key.

create function log.append(
  streams uuid[], bases bigint[],
  seen_entries int[], seen_places int[], seen_versions bigint[],
  event_entries int[], event_places int[], event_versions bigint[], topics text[], states bytea[],
  command_ids uuid[] default '{00000000-0000-0000-0000-000000000000}',
  actor_ids uuid[] default '{00000000-0000-0000-0000-000000000000}', actor_kinds text[] default '{rule}',
  behalves uuid[] default '{null}', workspace_ids uuid[] default '{null}',
  correlation_ids uuid[] default '{null}', causation_ids text[] default '{null}',
  key_entries int[] default '{}', keys text[] default '{}', key_events int[] default '{}',
  fingerprints bytea[] default '{}', outcomes bytea[] default '{}'
) returns table (
  entry int, positions bigint[], head bigint, stale uuid[],
  key text, fingerprint bytea, outcome bytea, first_workspace uuid
)
language plpgsql as $append$
declare
  present bigint[];
  spoilt boolean[];
  accepted int[];
  places int[];
  written bigint[];
  last bigint;
  stamp timestamptz;
  look int := 1;
  first_look int;
  event int := 1;
  first_event int;
  changed uuid[];
  kept log.commands;
  fails boolean;
begin
  perform pg_advisory_xact_lock(7291402113004155);

  select array_agg(coalesce(newest.version, 0) order by wanted.place) into present
  from unnest(append.streams) with ordinality as wanted (stream, place)
  left join lateral (
    select e.originator_version as version from log.events e
    where e.originator_id = wanted.stream order by e.originator_version desc limit 1
  ) as newest on true;

  if cardinality(seen_entries) > 0 and present is distinct from bases
    or cardinality(append.keys) > 0 and exists (
      select from unnest(key_entries, append.keys) as used (entry, key)
      join log.commands c on c.actor_id = actor_ids[used.entry] and c.key = used.key
    )
  then
    accepted := '{}';
    places := '{}';
    spoilt := array_fill(false, array[cardinality(append.streams)]);
    for i in 1 .. cardinality(command_ids) loop
      first_look := look;
      while seen_entries[look] = i loop look := look + 1; end loop;
      first_event := event;
      while event_entries[event] = i loop event := event + 1; end loop;

      if event > first_event then
        select array_agg(e.notification_id order by e.notification_id) into written
        from generate_series(first_event, event - 1) as n
        join log.events e on e.originator_id = append.streams[event_places[n]]
          and e.originator_version = event_versions[n] and e.command_id = command_ids[i];
        if written is not null then
          return query select i, written, written[cardinality(written)],
            null::uuid[], null::text, null::bytea, null::bytea, null::uuid;
          continue;
        end if;
      end if;

      fails := false;
      for kept in
        select c.* from unnest(key_entries, append.keys) as used (entry, key)
        join log.commands c on c.actor_id = actor_ids[i] and c.key = used.key where used.entry = i
      loop
        fails := true;
        if kept.command_id = command_ids[i] then
          return query select i, '{}'::bigint[], kept."position",
            null::uuid[], null::text, null::bytea, null::bytea, null::uuid;
          exit;
        end if;
        return query select i, null::bigint[], kept."position", null::uuid[],
          kept.key, kept.fingerprint, kept.outcome, kept.workspace_id;
      end loop;

      if not fails then
        changed := '{}';
        for n in first_look .. look - 1 loop
          if spoilt[seen_places[n]] or present[seen_places[n]] <> seen_versions[n] then
            changed := changed || append.streams[seen_places[n]];
          end if;
        end loop;
        if changed <> '{}' then
          fails := true;
          return query select i, null::bigint[], null::bigint, changed,
            null::text, null::bytea, null::bytea, null::uuid;
        end if;
      end if;

      if fails then
        for n in first_event .. event - 1 loop spoilt[event_places[n]] := true; end loop;
      else
        accepted := accepted || i;
        for n in first_event .. event - 1 loop
          places := places || n;
          present[event_places[n]] := present[event_places[n]] + 1;
        end loop;
      end if;
    end loop;
  end if;

  select greatest(clock_timestamp(), newest.recorded_at), newest.notification_id into stamp, last
  from (values (1)) as one left join lateral (
    select e.recorded_at, e.notification_id from log.events e order by e.notification_id desc limit 1
  ) as newest on true;

  with inserted as (
    insert into log.events as e (
      originator_id, originator_version, topic, state, recorded_at, at,
      command_id, actor_id, actor_kind, on_behalf_of, workspace_id, correlation_id, causation_id
    )
    select
      append.streams[new.stream], new.version, new.topic, new.state, stamp, stamp,
      command_ids[new.entry], actor_ids[new.entry], actor_kinds[new.entry], behalves[new.entry],
      workspace_ids[new.entry], correlation_ids[new.entry], causation_ids[new.entry]
    from unnest(event_entries, event_places, event_versions, topics, states) with ordinality
      as new (entry, stream, version, topic, state, place)
    where accepted is null or new.entry = any (accepted)
    order by new.place
    returning e.notification_id
  )
  select array_agg(inserted.notification_id order by inserted.notification_id) into written from inserted;
  last := coalesce(written[cardinality(written)], last, 0);

  if cardinality(append.keys) > 0 then
    insert into log.commands
      (actor_id, key, command_id, fingerprint, workspace_id, "position", outcome, recorded_at)
    select
      actor_ids[kept_now.entry], kept_now.key, command_ids[kept_now.entry], kept_now.fingerprint,
      workspace_ids[kept_now.entry],
      coalesce(
        case when places is null then written[kept_now.event] else written[array_position(places, kept_now.event)] end,
        last
      ),
      kept_now.outcome, stamp
    from unnest(key_entries, append.keys, key_events, fingerprints, outcomes)
      as kept_now (entry, key, event, fingerprint, outcome)
    where kept_now.outcome is not null and (accepted is null or kept_now.entry = any (accepted));
  end if;

  return query select 0, coalesce(written, '{}'), last,
    null::uuid[], null::text, null::bytea, null::bytea, null::uuid;
end
$append$;
