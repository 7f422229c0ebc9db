-- The log for people with psql: `select * from log.event_log where stream = '...'`.

create view log.event_log as
select
  notification_id as "position", originator_id as stream, originator_version as version,
  topic as type, convert_from(state, 'UTF8')::jsonb - 'type' as data,
  recorded_at, at, actor_id, actor_kind, on_behalf_of, command_id, workspace_id
from log.events;
