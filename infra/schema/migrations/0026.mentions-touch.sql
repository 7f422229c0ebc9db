-- An edit of a comment that mentions a user more touches its task, which they watch from then on.
-- Those from before are entered here: the log is read once, and its index entries of such edits are written.

with edit as materialized (
  select notification_id, convert_from(state, 'UTF8')::jsonb as event from log.events where topic = 'CommentEdited'
)
insert into log.touches (document, notification_id)
select (event ->> 'task_id')::uuid, notification_id from edit
where not (event -> 'mentions' -> 1) <@ (event -> 'mentions' -> 0)
on conflict do nothing;
