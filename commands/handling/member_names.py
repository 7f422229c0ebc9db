"""The names of members, which no stream of a workspace has: a decision that needs them is made again with them."""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from domain.mention import PersonName


class MemberNamesNotLoaded(Exception):
    """The decision needs the names of the members of a workspace: query them and decide again."""

    def __init__(self, workspace_id: UUID) -> None:
        super().__init__(workspace_id)
        self.workspace_id = workspace_id


class MemberNames(Protocol):
    """Where names are queried, as a layer above implements it."""

    async def names_in(self, workspace_id: UUID) -> Mapping[UUID, PersonName]:
        """The names of the members of a workspace."""
