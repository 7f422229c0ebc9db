"""Queries for ids and counts, which are not cached."""

COUNT_IN_COLUMN_SQL = """select count(*) from {task_list}
      where project_id = %s and "column" = %s and not trashed and not archived"""
"""The number of tasks in a column of a project, without those in the trash or archived."""
LIST_ON_BOARD_SQL = """with task as (
      select id, rank from {task_list} where project_id = %s and not trashed and not archived
        and (%s::text is null or "column" = %s) and (%s::text is null or status = %s)
    ) select json_build_array(
      (select count(*) from task), array(select id from task order by rank collate "C" limit %s))"""
"""The number of tasks on a board, or in one column of it, or of one status; and the ids of the first of them."""
DUE_FOR_ARCHIVE_SQL = """with due as materialized (
      select task.id, task.version from {project_list} project
      join {task_list} task on task.project_id = project.id and not task.trashed and not task.archived
      where project.archive_after is not null and not project.archived and not project.trashed
        and task.status = 'done' and task.updated_at <= %s - make_interval(days => project.archive_after::int)
    ) select id, version from due where id > %s order by id limit %s"""
"""Done tasks that have not changed, at a time, for as long as the rule of their project says, after an id.

Materialized, so that PostgreSQL reads the tasks of projects with a rule, and not all tasks in the order of their ids.
"""
IDS_BY_KEY_FOR_MEMBER_SQL = """select task.id, workspace.id from {task_list} task
            join {workspace_list} workspace on workspace.id = task.workspace_id
            where (task.key = %(key)s or (task.former_keys <> '[]' and task.former_keys ? %(key)s))
              and workspace.members ? %(user)s"""
"""The ids of the tasks that have a human key, or had it in another project, in a user's workspaces; and of those."""
IDS_BY_KEY_SQL = """select id from {task_list}
            where key = %(key)s or (former_keys <> '[]' and former_keys ? %(key)s) limit 2"""
"""The ids of the tasks that have or had a human key; two are enough to show that it is ambiguous."""
KEYS_AND_TITLES_SQL = "select id, key, title from {task_list} where workspace_id = %s and id = any(%s)"
"""The human keys and titles of these tasks of a workspace."""
