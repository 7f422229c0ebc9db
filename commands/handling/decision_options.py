"""The options of a decision: what a request brings to it besides its commands."""

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct

from commands.handling.column_tasks import ColumnTasksKey
from commands.handling.conflict import Intervening
from domain.column import ColumnTasks
from domain.mention import PersonName
from domain.user import TokenScope


class DecisionOptions(Struct, frozen=True):
    """What a request brings to its decision besides its commands.

    With `intervening`, a stale command is merged with what others did; None refuses every conflict. With
    `allows_any_version` a command need not name a version, but its target must exist. `column_tasks` are the tasks of
    columns, and `member_names` the names of the members of workspaces, as far as they were queried. The ids of what the
    commands create beside their targets, and their time, come from `command_id`, which may be that of another request.
    """

    scope: TokenScope = "admin"
    intervening: Mapping[UUID, Intervening] | None = None
    allows_any_version: bool = False
    column_tasks: Mapping[ColumnTasksKey, ColumnTasks] = {}
    command_id: UUID = UUID(int=0)
    member_names: Mapping[UUID, Mapping[UUID, PersonName]] = {}
