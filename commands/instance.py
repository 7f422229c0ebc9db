"""A command about the installation: hand its administration over."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.command import Command, DecisionContext, require_found
from commands.user import require_human
from domain.errors import Forbidden, NotFound
from domain.event import Event
from domain.instance import AdministratorAppointed, Instance
from domain.user import User


class AppointAdministrator(Command[Instance], frozen=True, kw_only=True):
    """Hand the administration of the installation over to another user; only the administrator may."""

    state_type: ClassVar = Instance
    is_batchable: ClassVar = False

    user_id: UUID

    def resolve_workspace_id(self, state: Instance | None, context: DecisionContext) -> None:
        """The installation belongs to no workspace."""

    def decide(self, state: Instance | None, context: DecisionContext) -> Iterator[Event]:
        administrator = require_found(state).administrator_id
        require_human(context.actor)
        if administrator != context.actor.user_id:
            raise Forbidden("Only the administrator of this installation may do this.")
        if require_found(context(User, self.user_id)).deleted:
            raise NotFound
        if self.user_id != administrator:
            yield AdministratorAppointed(self.user_id)
