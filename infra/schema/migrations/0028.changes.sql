-- To take a change back, its events are found by the command that made them, or by the change that caused them: a bulk
-- change, or what a revert took back. The last commands of an actor are what an undo takes back.
--
-- A cause that is a span, of 16 digits, is no change. A rule undoes nothing.

create index events_command on log.events (command_id);

create index events_cause on log.events (causation_id) where length(causation_id) = 36;

create index events_actor on log.events (actor_id, notification_id) where actor_kind <> 'rule';
