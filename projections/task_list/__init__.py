"""The task list: one row per task, for queries, not for decisions."""

from projections.task_list.definition import projection, scopes
from projections.task_list.folding import field_keys, fold
from projections.task_list.instants import NO_DUE_AT, due_at, start_at
from projections.task_list.lookups import (
    COUNT_IN_COLUMN_SQL,
    DUE_FOR_ARCHIVE_SQL,
    IDS_BY_KEY_FOR_MEMBER_SQL,
    IDS_BY_KEY_SQL,
    KEYS_AND_TITLES_SQL,
    LIST_ON_BOARD_SQL,
)
from projections.task_list.rows import SingleTaskRow, StoredTaskRow, TaskRow
from projections.task_list.single import WATCHED_BY_SQL, by_id, by_id_in_project, select_columns

__all__ = [
    "COUNT_IN_COLUMN_SQL",
    "DUE_FOR_ARCHIVE_SQL",
    "IDS_BY_KEY_FOR_MEMBER_SQL",
    "IDS_BY_KEY_SQL",
    "KEYS_AND_TITLES_SQL",
    "LIST_ON_BOARD_SQL",
    "NO_DUE_AT",
    "WATCHED_BY_SQL",
    "SingleTaskRow",
    "StoredTaskRow",
    "TaskRow",
    "by_id",
    "by_id_in_project",
    "due_at",
    "field_keys",
    "fold",
    "projection",
    "scopes",
    "select_columns",
    "start_at",
]
