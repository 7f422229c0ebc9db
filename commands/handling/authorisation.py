"""Authorisation: whether the actor of a decision has a permission in the workspace that it is about."""

from uuid import UUID

from commands import permissions
from commands.command import require_found
from commands.handling.guarded_states import GuardedStates
from domain.errors import Forbidden, NotFound, ScopeTooNarrow
from domain.event import Actor
from domain.member import Member, member_stream_id
from domain.user import TokenScope
from domain.workspace import Workspace


def require_permission(
    action: str, actor: Actor, scope: TokenScope, workspace_id: UUID | None, states: GuardedStates
) -> None:
    """Raise NotFound unless the actor is a member (or a rule), ScopeTooNarrow or Forbidden if it is not enough."""
    needs = permissions.REQUIRED_PERMISSIONS[action]
    if needs.rule_only and actor.kind != "rule":
        raise NotFound
    member = _require_member(action, actor, require_found(workspace_id), states) if needs.role else None
    if not permissions.is_scope_at_least(scope, needs.scope):
        raise ScopeTooNarrow(needed=needs.scope)
    if needs.role and member and not permissions.is_role_at_least(member.role, needs.role):
        raise Forbidden(needed=needs.role)


def _require_member(action: str, actor: Actor, workspace_id: UUID, states: GuardedStates) -> Member:
    """The actor's membership in the workspace, unless that is in the trash; the append asserts both.

    Raises NotFound.
    """
    member = require_found(states(Member, member_stream_id(workspace_id, actor.principal_id)))
    workspace = states(Workspace, workspace_id)
    if workspace and workspace.trashed and action not in permissions.OPERATIONS_IN_TRASH:
        raise NotFound
    return member
