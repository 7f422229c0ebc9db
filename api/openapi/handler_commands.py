"""Which commands a handler executes, and which refusals they can answer with."""

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from api.http import idempotency, preconditions
from api.http.command_results import BatchResult
from api.http.endpoint import Endpoint
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


def commands_of(endpoint: Endpoint, reachable: frozenset[Reachable]) -> list[type[Command[Any]]]:
    """The commands that an endpoint executes: its body, those among its reachable references, or all of a batch."""
    if COMMAND_PATH_BOUNDARY.isdisjoint(call_graph.functions_in(reachable)):
        return []
    if is_batch(endpoint):
        return [kind for kind in command.all_commands().values() if kind.is_batchable]
    command_types = call_graph.subclasses_in(reachable | {endpoint.body_type}, Command)
    return sorted((kind for kind in command_types if "decide" in vars(kind)), key=lambda kind: str(kind.__name__))


def is_batch(endpoint: Endpoint) -> bool:
    """Whether the request names its commands, possibly several."""
    return endpoint.answer_type is BatchResult


def refusals_of(
    command_type: type[Command[Any]], endpoint: Endpoint, reachable: frozenset[Reachable]
) -> set[type[Refusal]]:
    """The refusals of a command that an endpoint with these reachable references executes."""
    reachable_from_rule = _reachable_from_rule(command_type)
    path_refusals = call_graph.subclasses_in(
        call_graph.reachable_from(COMMAND_PATH_ROOTS), Refusal
    ) - _unreachable_refusals(command_type, endpoint, reachable)
    return path_refusals | call_graph.subclasses_in(reachable_from_rule, Refusal)


def _reachable_from_rule(command_type: type[Command[Any]]) -> frozenset[Reachable]:
    """What the rule of a command reaches, with those of the commands that it carries out."""
    rules = [
        FunctionRef(method, kind)
        for kind in _with_carried_out(command_type)
        for method in (kind.decide, kind.resolve_workspace_id)
    ]
    return call_graph.reachable_from(rules)


@cache
def _with_carried_out(command_type: type[Command[Any]]) -> frozenset[type[Command[Any]]]:
    """The command, and those that its rule carries out."""
    found, todo = set[type[Command[Any]]](), {command_type}
    while todo:
        found |= todo
        reachable = call_graph.reachable_from([FunctionRef(kind.decide, kind) for kind in todo])
        todo = {kind for kind in call_graph.subclasses_in(reachable, Command) if "decide" in vars(kind)} - found
    return frozenset(found)


def _unreachable_refusals(
    command_type: type[Command[Any]], endpoint: Endpoint, reachable: frozenset[Reachable]
) -> set[type[Refusal]]:
    """The refusals on the path of every command that are impossible for this one, or here."""
    needs, called = permissions.REQUIRED_PERMISSIONS[command_type.__name__], call_graph.functions_in(reachable)
    is_unreachable = {
        errors.NotFound: needs.role is None and command_type.creates,
        errors.Forbidden: all(
            permissions.REQUIRED_PERMISSIONS[kind.__name__].role is None for kind in _with_carried_out(command_type)
        ),
        errors.ScopeTooNarrow: endpoint.is_public,
        errors.StreamIsFull: command_type.creates,
        errors.IdTaken: not command_type.creates or "id" not in command_type.__struct_fields__,
        errors.VersionRequired: not command_type.requires_version,
        errors.VersionConflict: preconditions.with_expected_version not in called and not is_batch(endpoint),
        errors.NothingMatches: preconditions.allows_any_version not in called
        or not (command_type.creates or command_type.may_create),
        errors.CrossesWorkspaces: not is_batch(endpoint),
        errors.Contradicts: not is_batch(endpoint),
        errors.ColumnNotCounted: True,  # raised only by commands that move tasks into columns
        errors.KeyReused: idempotency.idempotency_key not in called,
        errors.TwinInFlight: idempotency.idempotency_key not in called,
    }
    return {refusal for refusal, unreachable in is_unreachable.items() if unreachable}
