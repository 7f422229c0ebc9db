-- Which events change a document of another stream too: a comment its task, a new order the tasks that it moves.
--
-- A rebuild that folds the log stream by stream, and a document that is folded again alone, find them here.
-- Few events touch another document, so that `log.append` does not write this table: a group that has one of them
-- is appended by `log.append_touching`. `touch_events` has the place of each such event in the arrays of the events.

create table log.touches (
  document uuid not null,
  notification_id bigint not null,
  primary key (document, notification_id)
);

create function log.append_touching(
  streams uuid[], bases bigint[],
  seen_entries int[], seen_places int[], seen_versions bigint[],
  event_entries int[], event_places int[], event_versions bigint[], topics text[], states bytea[],
  command_ids uuid[], actor_ids uuid[], actor_kinds text[], behalves uuid[], workspace_ids uuid[],
  correlation_ids uuid[], causation_ids text[],
  key_entries int[], keys text[], key_events int[], fingerprints bytea[], outcomes bytea[],
  touch_events int[], touched uuid[]
) returns table (
  entry int, positions bigint[], head bigint, stale uuid[],
  key text, fingerprint bytea, outcome bytea, first_workspace uuid
)
language plpgsql as $append$
begin
  return query select * from log.append(
    streams, bases, seen_entries, seen_places, seen_versions,
    event_entries, event_places, event_versions, topics, states,
    command_ids, actor_ids, actor_kinds, behalves, workspace_ids, correlation_ids, causation_ids,
    key_entries, keys, key_events, fingerprints, outcomes
  );
  insert into log.touches (document, notification_id)
  select touch.document, e.notification_id
  from unnest(touch_events, touched) as touch (event, document)
  join log.events e on e.originator_id = streams[event_places[touch.event]]
    and e.originator_version = event_versions[touch.event]
    and e.command_id = command_ids[event_entries[touch.event]]
  on conflict do nothing;
end
$append$;
