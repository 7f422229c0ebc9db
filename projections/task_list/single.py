"""Questions about a single task."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from projections import project_list
from projections.custom_field_names import ProjectFields, definitions_query, fields_by_key, named_values
from projections.pagination import encode_versioned_answer
from projections.question import ANSWER_MEMBERS, Answer, Query, Question
from projections.task_list.definition import projection
from projections.task_list.rows import SingleTaskRow, TaskRow


def select_columns(names: Iterable[str] = TaskRow.__struct_fields__) -> str:
    """The select list for these columns of `task`."""
    return ", ".join(f'task."{name}"' for name in names)


WATCHED_BY_SQL: Final = "task.watchers -> 'users' @> {}::jsonb"
"""The condition that a user, as a JSON array with their id, watches the task."""


_BY_ID_SQL: Final = f"""select {select_columns()}, {WATCHED_BY_SQL.format("%(reader)s")} as watching
    from {{task_list}} task where id = %(id)s"""  # noqa: S608 - our own text


def by_id(task: UUID, reader: UUID) -> Question:
    """A single task for a reader, in the trash or not.

    If it `has_custom_fields`, those are asked for with `by_id_in_project`.
    """
    query, parameters = Query(_BY_ID_SQL, SingleTaskRow), _parameters(task, reader)
    return Question((projection,), ANSWER_MEMBERS, (task,), "one", (query,), parameters, _item_answer)


def by_id_in_project(task: UUID, project: UUID, reader: UUID) -> Question:
    """The same with its custom fields, which change with its project too."""
    queries = Query(_BY_ID_SQL, SingleTaskRow), definitions_query("id = %(project)s")
    parameters = _parameters(task, reader) | {"project": project}
    read = projection, project_list.projection
    return Question(read, ANSWER_MEMBERS, (task, project), "one in project", queries, parameters, _named_item_answer)


def _parameters(task: UUID, reader: UUID) -> dict[str, object]:
    return {"id": task, "reader": msgspec.json.encode([reader]).decode()}


def _item_answer(rows: list[SingleTaskRow]) -> Answer | None:
    if not rows:
        return None
    task = rows[0]
    answer = encode_versioned_answer(task, task.version, task.workspace_id, task.project_id)
    return replace(answer, has_custom_fields=bool(task.fields))


def _named_item_answer(rows: list[SingleTaskRow], projects: list[ProjectFields]) -> Answer | None:
    return _item_answer([replace(row, fields=named_values(row.fields, fields_by_key(projects))) for row in rows])
