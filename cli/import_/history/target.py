"""Where a history goes: into a project of its own, whose key is free, or holds this very file already."""

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct, ValidationError, convert

from cli.import_.history.ids import FileIdentity
from cli.import_.history.intention import Person
from cli.import_.target import find_workspace
from cli.open_instance import OpenInstance
from commands.field_types import ProjectKeyText
from domain.member import Member, member_stream_id
from domain.project import ProjectKey, project_key_stream_id
from infra.errors import OperatorError


class HistoryTarget(Struct, frozen=True):
    """The workspace, the key and the id of the new project, and the user who imports it."""

    workspace_id: UUID
    key: str
    project_id: UUID
    user_id: UUID
    is_imported: bool


class Destination(Struct, frozen=True):
    """Where a history goes, and who imports it, by the names that the operator gave."""

    workspace: str
    key: str
    email: str


async def find_history_target(
    instance: OpenInstance, url: str, file: FileIdentity, destination: Destination
) -> HistoryTarget:
    """The target with these names; raises OperatorError, also for a key that another project has."""
    workspace_id, user_id = await find_workspace(instance, url, destination.workspace, destination.email)
    key = _valid_key(destination.key)
    project_id = file.project_id(workspace_id, key)
    taken = await instance.log.load_state(ProjectKey, project_key_stream_id(workspace_id, key))
    if taken and taken.project_id != project_id:
        if file.is_board_of(taken.project_id, workspace_id, key):
            raise OperatorError(
                f"Another export of this board was imported as {key}, and a history is imported into a new project "
                "only: choose another --project."
            )
        raise OperatorError(
            f"The key {key} is taken, and a history is imported into a new project: choose another --project."
        )
    return HistoryTarget(workspace_id, key, project_id, user_id, taken is not None)


async def find_people(
    instance: OpenInstance,
    target: HistoryTarget,
    file: FileIdentity,
    people: Mapping[str, Person],
    emails: Mapping[str, str],
) -> tuple[Mapping[str, UUID], Mapping[UUID, str]]:
    """The id of each person of the file, and the names of those who are no members of the workspace.

    `emails` has the addresses that the operator gives, by user name or name. Raises OperatorError if one is unknown.
    """
    ids: dict[str, UUID] = {}
    former: dict[UUID, str] = {}
    for foreign_id, person in people.items():
        given = emails.get(person.username) or emails.get(person.name)
        user = await _find_member(instance, target.workspace_id, given or person.email)
        if given and user is None:
            raise OperatorError(f"No member of the workspace is registered as {given}: check --people.")
        if user is None:
            user = file.person_id(target.workspace_id, foreign_id)
            former[user] = person.name
        ids[foreign_id] = user
    return ids, former


async def _find_member(instance: OpenInstance, workspace_id: UUID, email: str) -> UUID | None:
    user = await instance.addresses.find_user(email) if email else None
    if user is None or await instance.log.load_state(Member, member_stream_id(workspace_id, user)) is None:
        return None
    return user


def _valid_key(key: str) -> str:
    try:
        return convert(key.upper(), ProjectKeyText)
    except ValidationError:
        raise OperatorError(f"{key} is no key of a project, which is 2 to 10 of A-Z and 0-9, a letter first.") from None
