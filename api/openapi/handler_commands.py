"""Which commands a handler executes, and which refusals they can answer with."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Final

from api.http import authentication, idempotency, preconditions
from api.ledger import Ledger
from api.openapi import call_graph
from api.openapi.call_graph import FunctionRef, Reachable
from commands import command, permissions
from commands.command import Command
from commands.handling.decision import Decision
from commands.handling.handler import CommandHandler
from domain import errors
from domain.errors import Refusal
from infra.delivery.account_mail import AccountMail

COMMAND_PATH_BOUNDARY: Final[frozenset[Callable[..., Any]]] = frozenset({Ledger.handle, Ledger.commit})
"""Code behind this boundary is the path of every command, and read from COMMAND_PATH_ROOTS."""
BACKGROUND_BOUNDARY: Final[frozenset[Callable[..., Any]]] = frozenset(
    {
        AccountMail.request_password_reset,
        AccountMail.request_verification,
    }
)
"""Code behind this boundary runs in the background: no answer tells of its errors."""
COMMAND_PATH_ROOTS: Final = (
    FunctionRef(CommandHandler.handle, CommandHandler),
    FunctionRef(Decision.decide, Decision),
)


def commands_of_handler(body: Any, reachable: frozenset[Reachable]) -> list[type[Command[Any]]]:
    """The commands that a handler executes: its body, those among its reachable references, or all of a batch."""
    if COMMAND_PATH_BOUNDARY.isdisjoint(call_graph.functions_in(reachable)):
        return []
    if is_batch_handler(reachable):
        return [kind for kind in command.all_commands().values() if kind.is_batchable]
    command_types = call_graph.subclasses_in(reachable | {body}, Command)
    return sorted((kind for kind in command_types if "decide" in vars(kind)), key=lambda kind: str(kind.__name__))


def is_batch_handler(reachable: frozenset[Reachable]) -> bool:
    """Whether the request names its commands, possibly several."""
    return inspect.unwrap(command.all_commands) in call_graph.functions_in(reachable)


def refusals_of_commands(
    command_types: Iterable[type[Command[Any]]], reachable: frozenset[Reachable]
) -> set[type[Refusal]]:
    """The refusals of these commands, executed by a handler with these reachable references."""
    return {refusal for kind in command_types for refusal in _refusals_of_command(kind, reachable)}


def _refusals_of_command(command_type: type[Command[Any]], reachable: frozenset[Reachable]) -> set[type[Refusal]]:
    reachable_from_rule = call_graph.reachable_from(
        [FunctionRef(method, command_type) for method in (command_type.decide, command_type.resolve_workspace_id)]
    )
    path_refusals = call_graph.subclasses_in(
        call_graph.reachable_from(COMMAND_PATH_ROOTS), Refusal
    ) - _unreachable_refusals(command_type, reachable)
    return path_refusals | call_graph.subclasses_in(reachable_from_rule, Refusal)


def _unreachable_refusals(command_type: type[Command[Any]], reachable: frozenset[Reachable]) -> set[type[Refusal]]:
    """The refusals on the path of every command that are impossible for this one, or here."""
    needs, called = permissions.REQUIRED_PERMISSIONS[command_type.__name__], call_graph.functions_in(reachable)
    is_unreachable = {
        errors.NotFound: needs.role is None and command_type.creates,
        errors.Forbidden: needs.role is None,
        errors.ScopeTooNarrow: authentication.create_authentication not in called,
        errors.StreamIsFull: command_type.creates,
        errors.IdTaken: not command_type.creates or "id" not in command_type.__struct_fields__,
        errors.VersionRequired: not command_type.requires_version,
        errors.VersionConflict: preconditions.with_expected_version not in called and not is_batch_handler(reachable),
        errors.NothingMatches: preconditions.allows_any_version not in called
        or not (command_type.creates or command_type.may_create),
        errors.CrossesWorkspaces: not is_batch_handler(reachable),
        errors.Contradicts: not is_batch_handler(reachable),
        errors.ColumnNotCounted: True,  # raised only by commands that move tasks into columns
        errors.KeyReused: idempotency.idempotency_key not in called,
        errors.TwinInFlight: idempotency.idempotency_key not in called,
    }
    return {refusal for refusal, unreachable in is_unreachable.items() if unreachable}
