"""Users by the names and e-mail addresses in a filter: members of the caller's workspaces."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final
from uuid import UUID

import msgspec

from api.ledger import AuthedRequest, Ledger
from domain.email_address import are_same_email
from domain.event import fold
from domain.member import Role
from domain.user import User
from infra.member_names import NAME_AND_ADDRESS_EVENTS
from projections import workspace_list
from projections.text_folding import fold_text

NO_USERS: Final[Mapping[str, Collection[UUID]]] = {}


async def find_named_users(
    request: AuthedRequest, ledger: Ledger, names: Collection[str], min_position: int | None
) -> Mapping[str, Collection[UUID]]:
    """The users for each of these names or e-mail addresses."""
    if not names:
        return NO_USERS
    users = await _load_users(request, ledger, min_position)
    return {name: tuple(id_ for id_, user in users if is_named(user, name)) for name in names}


async def _load_users(request: AuthedRequest, ledger: Ledger, min_position: int | None) -> Iterable[tuple[UUID, User]]:
    """The members of all workspaces of the caller, by id."""
    members = set[UUID]()
    for workspace in await ledger.workspaces_of_caller(request, min_position):
        found = (await ledger.fetch(request, workspace_list.members(workspace), min_position)).answer
        members |= msgspec.json.decode(found.body, type=dict[UUID, Role]).keys() if found else set()
    histories = await ledger.log.load_events_of_types(members, NAME_AND_ADDRESS_EVENTS)
    users = ((id_, fold(User, (one.event for one in history))) for id_, history in histories.items())
    return [(id_, user) for id_, user in sorted(users) if user]


def is_named(user: User, name: str) -> bool:
    """Whether a user has that e-mail address, or all of these words in their name."""
    wanted = fold_text(name).split()
    has_address = are_same_email(user.email, name) or wanted == [fold_text(user.email)]
    return has_address or (bool(wanted) and {*wanted} <= {*fold_text(user.name).split()})
