-- The one way into the log, for a group of commands at once: each whole or not at all, in the order given.
--
-- An entry is one command. `seen` says what it looked at: streams and the versions that they had, or will
-- have once the entries before it are written. The first statement takes the lock that makes positions
-- come in the order of commits; a later one reads the versions. A statement that did both would see a
-- snapshot older than its lock.
--
-- Answers a row for each entry: the positions of its events, none for one that only looked; or, where
-- something it looked at has changed, the streams that are not what it saw, and nothing of it is written.
-- What rides on an entry that failed fails too, even where somebody else's event made the version right.
-- An entry that is in the log already, as its command id says, is answered as it was the first time: so a
-- group whose answer got lost is sent again. An entry with a key that was used before, by another command,
-- is answered with the row that was kept then, whatever it would do now.

drop function log.append(uuid[], bigint[], uuid[], bigint[], text[], bytea[], uuid, text, uuid, uuid, uuid);

-- A client's key for a request, with what came of it: kept as long as the events, in their transaction.

create table log.commands (
  actor_id uuid not null,
  key text not null,
  command_id uuid not null,
  fingerprint bytea not null,
  workspace_id uuid,
  "position" bigint not null,
  outcome bytea not null,
  recorded_at timestamptz not null,
  primary key (actor_id, key)
);

create function log.append(
  seen_entries int[], seen_streams uuid[], seen_versions bigint[],
  event_entries int[], originator_ids uuid[], originator_versions bigint[], topics text[], states bytea[],
  command_ids uuid[] default '{00000000-0000-0000-0000-000000000000}',
  actor_ids uuid[] default '{00000000-0000-0000-0000-000000000000}', actor_kinds text[] default '{rule}',
  on_behalf_of uuid[] default '{null}', workspace_ids uuid[] default '{null}',
  keys text[] default '{null}', fingerprints bytea[] default '{null}', outcomes bytea[] default '{null}'
) returns table (
  entry int, positions bigint[], head bigint, stale uuid[],
  first_fingerprint bytea, first_outcome bytea, first_workspace uuid
)
language plpgsql as $append$
declare
  known uuid[];
  at bigint[];
  held boolean;
  accepted int[];
  changed uuid[];
  spoilt uuid[] := '{}';
  kept log.commands;
  written bigint[];
  now timestamptz;
begin
  perform pg_advisory_xact_lock(7291402113004155);

  select bool_and(coalesce(present.version, 0) + look.ahead = look.version) into held
  from (
    select seen.stream, seen.version, coalesce(sum(writes.events) over (
      partition by seen.stream order by seen.entry rows between unbounded preceding and 1 preceding
    ), 0) as ahead
    from unnest(seen_entries, seen_streams, seen_versions) as seen (entry, stream, version)
    left join (
      select event.entry, event.stream, count(*) as events
      from unnest(event_entries, originator_ids) as event (entry, stream) group by event.entry, event.stream
    ) as writes on writes.entry = seen.entry and writes.stream = seen.stream
  ) as look
  left join lateral (
    select e.originator_version as version from log.events e
    where e.originator_id = look.stream order by e.originator_version desc limit 1
  ) as present on true;

  if coalesce(held, true) and not exists (
    select from unnest(actor_ids, keys) as used (actor_id, key) join log.commands using (actor_id, key)
  ) then
    select array_agg(each) into accepted from generate_subscripts(command_ids, 1) as each;
  else
    select array_agg(look.stream), array_agg(coalesce(present.version, 0)) into known, at
    from (select distinct unnest(seen_streams) as stream) as look
    left join lateral (
      select e.originator_version as version from log.events e
      where e.originator_id = look.stream order by e.originator_version desc limit 1
    ) as present on true;

    for i in 1 .. cardinality(command_ids) loop
      select array_agg(e.notification_id order by e.notification_id) into written
      from unnest(event_entries, originator_ids, originator_versions) as new (entry, stream, version)
      join log.events e on e.originator_id = new.stream and e.originator_version = new.version
      where new.entry = i and e.command_id = command_ids[i];
      if written is not null then
        return query select i, written, written[cardinality(written)], null::uuid[], null::bytea, null::bytea, null::uuid;
        continue;
      end if;

      select * into kept from log.commands as c where c.actor_id = actor_ids[i] and c.key = keys[i];
      if found then
        if kept.command_id = command_ids[i] then
          return query select i, '{}'::bigint[], kept."position", null::uuid[], null::bytea, null::bytea, null::uuid;
        else
          return query select i, '{}'::bigint[], kept."position", null::uuid[],
            kept.fingerprint, kept.outcome, kept.workspace_id;
        end if;
        spoilt := spoilt || array(
          select new.stream from unnest(event_entries, originator_ids) as new (entry, stream) where new.entry = i
        );
        continue;
      end if;

      select array_agg(seen.stream) into changed
      from unnest(seen_entries, seen_streams, seen_versions) as seen (entry, stream, version)
      where seen.entry = i
        and (seen.stream = any (spoilt) or at[array_position(known, seen.stream)] <> seen.version);
      if changed is not null then
        spoilt := spoilt || array(
          select new.stream from unnest(event_entries, originator_ids) as new (entry, stream) where new.entry = i
        );
        return query select i, null::bigint[], null::bigint, changed, null::bytea, null::bytea, null::uuid;
        continue;
      end if;

      accepted := accepted || i;
      select array_agg(at[place] + coalesce(new.events, 0) order by place) into at
      from generate_subscripts(known, 1) as place
      left join (
        select event.stream, count(*) as events
        from unnest(event_entries, originator_ids) as event (entry, stream)
        where event.entry = i group by event.stream
      ) as new on new.stream = known[place];
    end loop;
  end if;

  select greatest(clock_timestamp(), max(last.recorded_at)) into now
  from (select e.recorded_at from log.events e order by e.notification_id desc limit 1) as last;

  return query
    with inserted as (
      insert into log.events as e (
        originator_id, originator_version, topic, state, recorded_at, at,
        command_id, actor_id, actor_kind, on_behalf_of, workspace_id
      )
      select
        new.stream, new.version, new.topic, new.state, now, now,
        command_ids[new.entry], actor_ids[new.entry], actor_kinds[new.entry],
        append.on_behalf_of[new.entry], workspace_ids[new.entry]
      from unnest(event_entries, originator_ids, originator_versions, topics, states) with ordinality
        as new (entry, stream, version, topic, state, place)
      where new.entry = any (accepted)
      order by new.place
      returning e.command_id, e.notification_id
    ), grouped as (
      select inserted.command_id, array_agg(inserted.notification_id order by inserted.notification_id) as positions
      from inserted group by inserted.command_id
    ), answered as (
      select each as number, coalesce(grouped.positions, '{}') as positions, coalesce(
        grouped.positions[cardinality(grouped.positions)],
        (select e.notification_id from log.events e order by e.notification_id desc limit 1), 0
      ) as head
      from unnest(accepted) as each
      left join grouped on grouped.command_id = command_ids[each]
    ), kept as (
      insert into log.commands
      select
        actor_ids[answered.number], keys[answered.number], command_ids[answered.number],
        fingerprints[answered.number], workspace_ids[answered.number], answered.head, outcomes[answered.number], now
      from answered where keys[answered.number] is not null and outcomes[answered.number] is not null
    )
    select
      answered.number, answered.positions, answered.head, null::uuid[], null::bytea, null::bytea, null::uuid
    from answered;
end
$append$;
