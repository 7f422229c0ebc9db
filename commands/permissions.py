"""Who may do what: the role in a workspace, and the scope of a token, that each operation asks for."""

from collections.abc import Collection
from typing import Final

from msgspec import Struct

from domain.member import Role
from domain.user import Scope

ROLES: Final[tuple[Role, ...]] = ("viewer", "member", "admin", "owner")
SCOPES: Final[tuple[Scope, ...]] = ("read", "write", "admin")
"""From the least to the most: whoever has one has those before it too."""


class Needs(Struct, frozen=True):
    """The least that an operation asks for.

    Without a role it is no matter of a workspace's members: anybody may, or, where it is `by_rule`, nobody but a rule
    of this installation.
    """

    role: Role | None
    scope: Scope
    by_rule: bool = False


RULES_ONLY: Final = Needs(None, "admin", by_rule=True)


# fmt: off
TABLE: Final[dict[str, Needs]] = {
    # operation                role       scope
    "See":               Needs("viewer", "read"),

    "CreateTask":        Needs("member", "write"),
    "EditTask":          Needs("member", "write"),
    "RenameTask":        Needs("member", "write"),
    "CompleteTask":      Needs("member", "write"),
    "ReopenTask":        Needs("member", "write"),
    "MoveTask":          Needs("member", "write"),
    "TrashTask":         Needs("member", "write"),
    "AssignTask":        Needs("member", "write"),
    "UnassignTask":      Needs("member", "write"),
    "LabelTask":         Needs("member", "write"),
    "UnlabelTask":       Needs("member", "write"),
    "RestoreTask":       Needs("member", "write"),
    "PurgeTask":         RULES_ONLY,

    "ColourLabel":       Needs("member", "write"),

    "CreateProject":     Needs("member", "write"),
    "EditProject":       Needs("member", "write"),
    "SetColumns":        Needs("admin",  "write"),
    "CountColumn":       RULES_ONLY,
    "ArchiveProject":    Needs("admin",  "write"),
    "RestoreProject":    Needs("admin",  "write"),
    "TrashProject":      Needs("admin",  "write"),
    "PurgeProject":      RULES_ONLY,

    "CreateWorkspace":   Needs(None,     "write"),
    "EditWorkspace":     Needs("admin",  "write"),

    "SaveFilter":        Needs(None,     "write"),
    "EditFilter":        Needs(None,     "write"),
    "DeleteFilter":      Needs(None,     "write"),

    "SetRole":           Needs("admin",  "admin"),
    "RemoveMember":      Needs("admin",  "admin"),
    "AppointOwner":      Needs("owner",  "admin"),  # or take that from somebody
    "LeaveWorkspace":    Needs("viewer", "admin"),
    "SeeInvitations":    Needs("admin",  "read"),
    "InviteMember":      Needs("admin",  "admin"),
    "RevokeInvitation":  Needs("admin",  "admin"),
    "AcceptInvitation":  Needs(None,     "admin"),

    "RegisterUser":      Needs(None,     "admin"),
    "ManageAccount":     Needs(None,     "admin"),
    "ChangePassword":    Needs(None,     "admin"),
    "IssueToken":        Needs(None,     "admin"),
    "RevokeToken":       Needs(None,     "admin"),
    "Operate":           Needs(None,     "admin"),
    "SkipEvent":         Needs(None,     "admin"),
}
# fmt: on
"""By the name of a command, or of what is asked beside commands."""


def furthest(scopes: Collection[Scope]) -> Scope:
    """The scope that holds all of these."""
    return max(scopes, key=SCOPES.index)


def has_role(role: Role, wanted: Role) -> bool:
    """Whether a role is at least the one that is wanted."""
    return ROLES.index(role) >= ROLES.index(wanted)


def has_scope(scope: Scope, wanted: Scope) -> bool:
    """Whether a scope is at least the one that is wanted."""
    return SCOPES.index(scope) >= SCOPES.index(wanted)
