"""The permission table: the workspace role and the token scope that each operation requires."""

from collections.abc import Collection
from typing import Final

from msgspec import Struct

from domain.member import Role
from domain.user import TokenScope

ROLES: Final[tuple[Role, ...]] = ("viewer", "member", "admin", "owner")
SCOPES: Final[tuple[TokenScope, ...]] = ("read", "propose", "write", "admin")
"""From the least to the most; each includes those before it."""


class RequiredPermission(Struct, frozen=True):
    """The least role and scope that an operation requires.

    Without a role, no membership is needed: any user may do it, or, if it is `rule_only`, only a rule of this
    installation.
    """

    role: Role | None
    scope: TokenScope
    rule_only: bool = False


RULE_ONLY_PERMISSION: Final = RequiredPermission(None, "admin", rule_only=True)


# fmt: off
REQUIRED_PERMISSIONS: Final[dict[str, RequiredPermission]] = {
    # operation                role       scope
    "See":               RequiredPermission("viewer", "read"),

    "CreateTask":        RequiredPermission("member", "write"),
    "DuplicateTask":     RequiredPermission("member", "write"),
    "EditTask":          RequiredPermission("member", "write"),
    "RenameTask":        RequiredPermission("member", "write"),
    "CompleteTask":      RequiredPermission("member", "write"),
    "ReopenTask":        RequiredPermission("member", "write"),
    "MoveTask":          RequiredPermission("member", "write"),
    "TrashTask":         RequiredPermission("member", "write"),
    "AssignTask":        RequiredPermission("member", "write"),
    "UnassignTask":      RequiredPermission("member", "write"),
    "LabelTask":         RequiredPermission("member", "write"),
    "UnlabelTask":       RequiredPermission("member", "write"),
    "RestoreTask":       RequiredPermission("member", "write"),
    "ArchiveTask":       RequiredPermission("member", "write"),
    "ArchiveByRule":     RULE_ONLY_PERMISSION,
    "UnarchiveTask":     RequiredPermission("member", "write"),
    "SetChecklist":      RequiredPermission("member", "write"),
    "SetParent":         RequiredPermission("member", "write"),
    "RelateTask":        RequiredPermission("member", "write"),
    "UnrelateTask":      RequiredPermission("member", "write"),
    "CheckItem":         RequiredPermission("member", "write"),
    "UncheckItem":       RequiredPermission("member", "write"),
    "SkipOccurrence":    RequiredPermission("member", "write"),
    "PurgeTask":         RULE_ONLY_PERMISSION,

    "AddComment":        RequiredPermission("member", "write"),
    "EditComment":       RequiredPermission("member", "write"),  # by its author
    "DeleteComment":     RequiredPermission("member", "write"),
    "DeleteAnothersComment": RequiredPermission("admin", "write"),
    "AddReaction":       RequiredPermission("member", "write"),
    "RemoveReaction":    RequiredPermission("member", "write"),
    "PurgeComment":      RULE_ONLY_PERMISSION,
    "AddTimeEntry":      RequiredPermission("member", "write"),
    "EditTimeEntry":     RequiredPermission("member", "write"),  # by the user who spent the time
    "DeleteTimeEntry":   RequiredPermission("member", "write"),
    "DeleteAnothersTimeEntry": RequiredPermission("admin", "write"),
    "PurgeTimeEntry":    RULE_ONLY_PERMISSION,
    "WatchTask":         RequiredPermission("viewer", "write"),
    "UnwatchTask":       RequiredPermission("viewer", "write"),
    "WatchProject":      RequiredPermission("viewer", "write"),
    "UnwatchProject":    RequiredPermission("viewer", "write"),
    "AddAttachment":     RequiredPermission("member", "write"),
    "RemoveAttachment":  RequiredPermission("member", "write"),

    "MakeProposal":      RequiredPermission("viewer", "propose"),  # and those of what it proposes
    "AcceptProposal":    RequiredPermission("member", "write"),  # and those of what it carries out
    "DeclineProposal":   RequiredPermission("member", "write"),

    "RevertChange":      RequiredPermission(None,     "write"),  # and those of what it restores
    "ColourLabel":       RequiredPermission("member", "write"),

    "CreateProject":     RequiredPermission("member", "write"),
    "CopyProject":       RequiredPermission("member", "write"),
    "ImportProject":     RequiredPermission("admin",  "write"),
    "EditProject":       RequiredPermission("member", "write"),
    "SetColumns":        RequiredPermission("admin",  "write"),
    "SetFields":         RequiredPermission("admin",  "write"),
    "ArchiveDoneTasks":  RequiredPermission("member", "write"),
    "CountColumn":       RULE_ONLY_PERMISSION,
    "ArchiveProject":    RequiredPermission("admin",  "write"),
    "RestoreProject":    RequiredPermission("admin",  "write"),
    "TrashProject":      RequiredPermission("admin",  "write"),
    "PurgeProject":      RULE_ONLY_PERMISSION,

    "CreateWorkspace":   RequiredPermission(None,     "write"),
    "EditWorkspace":     RequiredPermission("admin",  "write"),

    "TrashWorkspace":    RequiredPermission("owner",  "admin"),
    "RestoreWorkspace":  RequiredPermission("owner",  "admin"),
    "PurgeWorkspace":    RULE_ONLY_PERMISSION,

    "SaveFilter":        RequiredPermission(None,     "write"),
    "EditFilter":        RequiredPermission(None,     "write"),
    "DeleteFilter":      RequiredPermission(None,     "write"),

    "SetRole":           RequiredPermission("admin",  "admin"),
    "RemoveMember":      RequiredPermission("admin",  "admin"),
    "AppointOwner":      RequiredPermission("owner",  "admin"),  # or remove an owner
    "LeaveWorkspace":    RequiredPermission("viewer", "admin"),
    "SeeInvitations":    RequiredPermission("admin",  "read"),
    "InviteMember":      RequiredPermission("admin",  "admin"),
    "RevokeInvitation":  RequiredPermission("admin",  "admin"),
    "AcceptInvitation":  RequiredPermission(None,     "admin"),

    "RegisterUser":      RequiredPermission(None,     "admin"),
    "ManageAccount":     RequiredPermission(None,     "admin"),
    "VerifyEmail":       RequiredPermission(None,     "admin"),
    "ChangePassword":    RequiredPermission(None,     "admin"),
    "EditAccount":       RequiredPermission(None,     "admin"),
    "ChangeEmail":       RequiredPermission(None,     "admin"),
    "DeleteAccount":     RequiredPermission(None,     "admin"),
    "AppointAdministrator": RequiredPermission(None,  "admin"),
    "IssueToken":        RequiredPermission(None,     "admin"),
    "RevokeToken":       RequiredPermission(None,     "admin"),
    "Operate":           RequiredPermission(None,     "admin"),
    "SkipEvent":         RequiredPermission(None,     "admin"),
    "SeeAudit":          RequiredPermission("owner",  "read"),

    "RecordSignIn":      RequiredPermission(None,     "admin"),  # by the installation, in the name of an actor
    "RecordSignOut":     RequiredPermission(None,     "admin"),
    "RecordRefusals":    RULE_ONLY_PERMISSION,
    "RecordExport":      RequiredPermission(None,     "admin"),
    "RecordRebuild":     RequiredPermission(None,     "admin"),
    "RecordRollback":    RULE_ONLY_PERMISSION,
}
# fmt: on
"""By the name of a command, or of another operation."""


OPERATIONS_IN_TRASH: Final = frozenset({"TrashWorkspace", "RestoreWorkspace"})
"""What members may still do with a workspace in the trash; all else in it is invisible."""


def widest_scope(scopes: Collection[TokenScope]) -> TokenScope:
    """The widest of these scopes, which includes the others."""
    return max(scopes, key=SCOPES.index)


def is_role_at_least(role: Role, min_role: Role) -> bool:
    """Whether a role is the required one or a higher one."""
    return ROLES.index(role) >= ROLES.index(min_role)


def is_scope_at_least(scope: TokenScope, min_scope: TokenScope) -> bool:
    """Whether a scope is the required one or a wider one."""
    return SCOPES.index(scope) >= SCOPES.index(min_scope)


def scopes_within(scope: TokenScope) -> tuple[TokenScope, ...]:
    """What a token of a scope may do; what may write is not said to propose."""
    return tuple(one for one in SCOPES if is_scope_at_least(scope, one) and one in {"read", "write", scope})
