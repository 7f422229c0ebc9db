-- A history that happened before it is recorded: the events of an import, of new streams, with their own times.
--
-- All of it is written or nothing: null if a stream is not at the version that was read. `entries` numbers the commands
-- from 1, in order; an event names its command, and its stream by its place in `streams`. A command without a time of
-- its own, or with one that is still to come, is of now. Times of recording never decrease, as in `log.append`.

create function log.append_history(
  streams uuid[], bases bigint[],
  event_entries int[], event_places int[], event_versions bigint[], topics text[], states bytea[],
  command_ids uuid[], actor_ids uuid[], behalves uuid[], ats timestamptz[], workspace uuid,
  touch_events int[], touched uuid[]
) returns bigint
language plpgsql as $append$
declare
  stamp timestamptz;
  head bigint;
begin
  perform pg_advisory_xact_lock(7291402113004155);

  perform from unnest(append_history.streams, bases) as seen (stream, version)
  left join lateral (
    select e.originator_version as version from log.events e
    where e.originator_id = seen.stream order by e.originator_version desc limit 1
  ) as newest on true
  where coalesce(newest.version, 0) <> seen.version limit 1;
  if found then
    return null;
  end if;

  select greatest(clock_timestamp(), newest.recorded_at) into stamp
  from (values (1)) as one left join lateral (
    select e.recorded_at from log.events e order by e.notification_id desc limit 1
  ) as newest on true;

  with inserted as (
    insert into log.events as e (
      originator_id, originator_version, topic, state, recorded_at, at,
      command_id, actor_id, actor_kind, on_behalf_of, workspace_id
    )
    select
      append_history.streams[new.stream], new.version, new.topic, new.state, stamp,
      least(coalesce(ats[new.entry], stamp), stamp),
      command_ids[new.entry], actor_ids[new.entry], 'import', behalves[new.entry], workspace
    from unnest(event_entries, event_places, event_versions, topics, states) with ordinality
      as new (entry, stream, version, topic, state, place)
    order by new.place
    returning e.notification_id
  )
  select max(inserted.notification_id) into head from inserted;

  insert into log.touches (document, notification_id)
  select touch.document, e.notification_id
  from unnest(touch_events, touched) as touch (event, document)
  join log.events e on e.originator_id = append_history.streams[event_places[touch.event]]
    and e.originator_version = event_versions[touch.event]
  on conflict do nothing;
  return head;
end
$append$;
