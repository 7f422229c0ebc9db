"""The activity of a workspace: one row per event, with its type, actor and time. The log has its content."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from domain import codec
from domain.column import ColumnCounted
from domain.event import RecordedEvent
from domain.project import ProjectKeyReserved
from domain.task import TaskNumbersTaken
from projections.pagination import PageCursor, encode_answer, list_id_for
from projections.projection import Projection, key_by_position
from projections.question import WORKSPACE_MEMBERS, Answer, Question, single_table_question

_GUARD_EVENTS = (TaskNumbersTaken, ProjectKeyReserved, ColumnCounted)


class ActivityRow(Struct, frozen=True):
    """One event; its id is its position."""

    id: int
    workspace_id: UUID
    type: str
    actor_id: UUID
    at: datetime


def fold(key: int, _: ActivityRow | None, recorded: RecordedEvent) -> ActivityRow | None:
    """A row for each event of a workspace; none for the bookkeeping events in `_GUARD_EVENTS`."""
    if recorded.workspace_id is None or isinstance(recorded.event, _GUARD_EVENTS):
        return None
    return ActivityRow(key, recorded.workspace_id, codec.stored_name_of(recorded.event), recorded.actor.id, recorded.at)


def scopes(row: ActivityRow) -> Iterable[UUID]:
    yield row.workspace_id


projection = Projection(
    "activity",
    2,
    ActivityRow,
    key_by_position,
    fold,
    scopes,
    golden_lines=91,
    indexes=("(workspace_id, id)", "(workspace_id, actor_id, id)", "using brin (at)"),
    accepts_unknown=True,
)

_FILTER_CONDITIONS = {
    "actor": "actor_id = %(actor)s",
    "type": "type = %(type)s",
    "since": "at >= %(since)s",
    "until": "at < %(until)s",
}


class ActivityFilter(Struct, frozen=True, omit_defaults=True):
    """The events to list: by actor, by type, from `since`, and before `until`; a field that is None does not filter."""

    actor: UUID | None = None
    type: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> dict[str, object]:
        """The values to filter by, by field."""
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}


def list_id(workspace: UUID, filters: ActivityFilter) -> UUID:
    """The id of a list of events, which its cursors carry."""
    return list_id_for(workspace, "activity", filters.conditions())


def page(workspace: UUID, filters: ActivityFilter, limit: int, cursor: str | None) -> Question:
    """The positions of the events of a workspace, newest first, and of one more than `limit` if there are more.

    Raises BadCursor, or CursorMismatch for a cursor of another list or filter.
    """
    wanted = filters.conditions()
    where = " and ".join(["workspace_id = %(workspace)s", *(_FILTER_CONDITIONS[name] for name in wanted)])
    before = PageCursor.parse_number(cursor, list_id(workspace, filters))
    if before:
        where += " and id < %(before)s"
    sql = f"select * from {{activity}} where {where} order by id desc limit %(rows)s"  # noqa: S608 - our own text
    parameters = {**wanted, "workspace": workspace, "before": before, "rows": limit + 1}
    return single_table_question(
        projection,
        WORKSPACE_MEMBERS,
        workspace,
        "page",
        sql,
        parameters,
        _positions_answer,
    )


def _positions_answer(rows: list[ActivityRow]) -> Answer:
    return encode_answer([row.id for row in rows])
