-- Processes read the revocations that they have not seen by transaction, not by time: a clock may jump.
--
-- A transaction below the xmin of a snapshot has ended, and its rows are in that snapshot if it committed. So a process
-- that reads from the xmin of its last snapshot on misses no row, in whatever order the transactions commit.

alter table auth.revoked add column transaction_id xid8 not null default pg_current_xact_id();

create index revoked_transaction on auth.revoked (transaction_id);

drop index auth.revoked_time;
