"""The watchers of a task, which its row has."""

from typing import Final
from uuid import UUID

from msgspec import Struct

from projections import task_list
from projections.pagination import encode_answer
from projections.question import ANSWER_MEMBERS, Answer, Query, Question

_SQL: Final = "select workspace_id, project_id, watchers -> 'users' as users from {task_list} task where id = %(id)s"


class _TaskWatchers(Struct, frozen=True):
    """The users who watch a task, with its place."""

    workspace_id: UUID
    project_id: UUID
    users: tuple[UUID, ...]


def of_task(task: UUID) -> Question:
    """The ids of the users who watch a task; some may have left its workspace."""
    query = Query(_SQL, _TaskWatchers)
    return Question((task_list.projection,), ANSWER_MEMBERS, (task,), "watchers", (query,), {"id": task}, _answer)


def _answer(rows: list[_TaskWatchers]) -> Answer | None:
    if not rows:
        return None
    answer = encode_answer(rows[0].users)
    return Answer(answer.body, answer.etag, rows[0].workspace_id, rows[0].project_id)
