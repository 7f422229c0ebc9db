"""The definition of the projection: its indexes and generated columns."""

from collections.abc import Iterable
from typing import Final, get_args
from uuid import UUID

from domain.task import Priority, TaskPurged
from projections.projection import Past, Projection, key_by_stream_and_touches
from projections.task_list.folding import fold
from projections.task_list.rows import GOLDEN_LINES, VERSION, StoredTaskRow

_PRIORITIES_SQL: Final = ", ".join(f"'{priority}'" for priority in get_args(Priority))
_URGENCY_COLUMN_SQL: Final = (
    f"bigint generated always as (array_position(array[{_PRIORITIES_SQL}], priority) - 1) stored"
)
# Hours since the epoch, indexed instead of `updated_at` itself: only the first change of a task in an hour has to
# update the index.
_UPDATED_HOUR_COLUMN_SQL: Final = (
    "bigint generated always as (floor(extract(epoch from updated_at at time zone 'UTC') / 3600)) stored"
)


def scopes(task: StoredTaskRow) -> Iterable[UUID]:
    return task.id, task.project_id, task.workspace_id


projection = Projection(
    "task_list",
    VERSION,
    StoredTaskRow,
    key_by_stream_and_touches,
    fold,
    scopes,
    golden_lines=GOLDEN_LINES,
    indexes=(
        "(key)",
        '(project_id, archived, rank collate "C", id) where not trashed',
        "(workspace_id, archived, split_part(key, '-', 1), number) where not trashed",
        "(workspace_id, archived, due_at, id) where not trashed",
        "(workspace_id, archived, urgency, id) where not trashed",
        "(workspace_id, archived, created_at) where not trashed",
        "(workspace_id, archived, updated_hour) where not trashed",
        '(parent_id, archived, rank collate "C", id) where parent_id is not null and not trashed',
        "(workspace_id, archived, id) where blocked_by <> '[]' and not trashed",
        "using gin (assignees jsonb_path_ops) where assignees <> '[]'",
        "using gin (tags jsonb_path_ops) where tags <> '[]'",
        "using gin (field_keys) where field_keys is not null",
        "using gin (former_keys) where former_keys <> '[]'",
    ),
    past=Past(
        purged_by=(TaskPurged,),
        indexes=(
            (
                "project",
                '(project_id, rank collate "C", id, valid_from, valid_to) include ("column", trashed, archived)',
            ),
            ("workspace", "(workspace_id, valid_to)"),
        ),
    ),
    generated_columns=(("urgency", _URGENCY_COLUMN_SQL), ("updated_hour", _UPDATED_HOUR_COLUMN_SQL)),
)
