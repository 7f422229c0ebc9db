-- An edit of a comment or of a time entry touches its task, whose history lists it, whatever it changes.
-- Those from before are entered here: the log is read once, and its index entries of such edits are written.

insert into log.touches (document, notification_id)
select (convert_from(state, 'UTF8')::jsonb ->> 'task_id')::uuid, notification_id
from log.events where topic in ('CommentEdited', 'TimeEntryEdited')
on conflict do nothing;
