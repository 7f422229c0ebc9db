-- No query reads the projection `task_history`: the history of a task is a range of the log's primary key.
-- A table that the role of the migration may not drop is left behind, unused.

do $$
declare
  gone int;
begin
  for gone in select build from read.builds where projection = 'task_history' loop
    begin
      execute format('drop table if exists read.%I', 'task_history_' || gone);
    exception when insufficient_privilege then
      null;
    end;
  end loop;
end
$$;

delete from read.operations where projection = 'task_history';
delete from read.serving where projection = 'task_history';
delete from read.builds where projection = 'task_history';
