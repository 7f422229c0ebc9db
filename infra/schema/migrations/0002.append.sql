-- The one way into the log: all the events of a command, or none.
--
-- Its first statement takes the lock that makes positions come in the order of commits; a later one
-- reads the versions. A statement that did both would see a snapshot older than its lock. A stream
-- that was seen at another version than `versions` says is answered as a row with its present
-- version and no position, and nothing is written. Otherwise a row per event, in order.

create function log.append(
  streams uuid[], versions bigint[],
  originator_ids uuid[], originator_versions bigint[], topics text[], states bytea[],
  actor_id uuid default '00000000-0000-0000-0000-000000000000', actor_kind text default 'rule',
  on_behalf_of uuid default null,
  command_id uuid default '00000000-0000-0000-0000-000000000000', workspace_id uuid default null
) returns table (stream uuid, version bigint, "position" bigint)
language plpgsql as $append$
declare
  now timestamptz;
begin
  perform pg_advisory_xact_lock(7291402113004155);

  return query
    select seen.stream, coalesce(present.version, 0), null::bigint
    from unnest(streams, versions) as seen (stream, version)
    left join lateral (
      select e.originator_version as version from log.events e
      where e.originator_id = seen.stream order by e.originator_version desc limit 1
    ) as present on true
    where coalesce(present.version, 0) <> seen.version;
  if found then
    return;
  end if;

  select greatest(clock_timestamp(), max(last.recorded_at)) into now
  from (select e.recorded_at from log.events e order by e.notification_id desc limit 1) as last;

  return query
    insert into log.events as e (
      originator_id, originator_version, topic, state,
      recorded_at, at, actor_id, actor_kind, on_behalf_of, command_id, workspace_id
    )
    select
      new.originator_id, new.originator_version, new.topic, new.state,
      now, now, append.actor_id, append.actor_kind, append.on_behalf_of, append.command_id, append.workspace_id
    from unnest(originator_ids, originator_versions, topics, states) with ordinality
      as new (originator_id, originator_version, topic, state, place)
    order by new.place
    returning e.originator_id, e.originator_version, e.notification_id;
end
$append$;
