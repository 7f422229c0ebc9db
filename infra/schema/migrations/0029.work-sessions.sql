-- The commands of a work session have its id as their correlation, and as their cause the trace of 32 digits, or the id
-- of a bulk change or of what they take back. Other commands have a span of 16 digits as their cause, or none.

create index events_session on log.events (correlation_id, notification_id) where length(causation_id) >= 32;
