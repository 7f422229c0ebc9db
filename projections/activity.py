"""The activity of a workspace: one row per event, who did what and when; what it changed stands in the log."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from domain import codec
from domain.event import Recorded
from domain.project import ProjectKeyReserved
from domain.task import TaskNumbersTaken
from projections.projection import Projection, by_position


class ActivityRow(Struct, frozen=True):
    """One event; its id is its position."""

    id: int
    workspace_id: UUID
    type: str
    actor_id: UUID
    at: datetime


def fold(key: int, _: ActivityRow | None, recorded: Recorded) -> ActivityRow | None:
    """A row for what happened in a workspace, none for the reservations that go with it."""
    if recorded.workspace_id is None or isinstance(recorded.event, TaskNumbersTaken | ProjectKeyReserved):
        return None
    return ActivityRow(key, recorded.workspace_id, codec.tag(recorded.event), recorded.actor.id, recorded.at)


def scopes(row: ActivityRow) -> Iterable[UUID]:
    yield row.workspace_id


projection = Projection(
    "activity",
    1,
    ActivityRow,
    by_position,
    fold,
    scopes,
    indexes=("(workspace_id, id)", "(workspace_id, actor_id, id)"),
    takes_unknown=True,
)
