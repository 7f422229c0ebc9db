"""Carrying: which commands a handler carries out, and which of the rules' refusals that can come to."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Final

from api.http import authentication, preconditions
from api.ledger import Ledger
from api.openapi import call_graph
from api.openapi.call_graph import Code, Found
from commands import command, permissions
from commands.command import Command
from commands.handling.conflict import StaleVersion
from commands.handling.decision import Decision
from commands.handling.handler import CommandHandler
from domain import errors
from domain.errors import Refusal

STOPS: Final[frozenset[Callable[..., Any]]] = frozenset({Ledger.handle})
"""What lies behind is the path of every command, and read from `PATH`."""
PATH: Final = (
    Code(CommandHandler.handle, CommandHandler),
    Code(Decision.decide, Decision),
    Code(StaleVersion.to_conflict, StaleVersion),
)


def commands(body: Any, found: frozenset[Found]) -> list[type[Command[Any]]]:
    """The commands that a handler carries out which comes to all this: its body, what it names, or all of a batch."""
    if Ledger.handle not in call_graph.functions(found):
        return []
    if is_batch(found):
        return [kind for kind in command.all_commands().values() if kind.is_batchable]
    named = call_graph.kinds(found | {body}, Command)
    return sorted((kind for kind in named if "decide" in vars(kind)), key=lambda kind: str(kind.__name__))


def is_batch(found: frozenset[Found]) -> bool:
    """Whether commands are named by the request, and there may be several."""
    return inspect.unwrap(command.all_commands) in call_graph.functions(found)


def refusals(kinds: Iterable[type[Command[Any]]], found: frozenset[Found]) -> set[type[Refusal]]:
    """How the rules can say no to these commands, by a handler that comes to all this."""
    return {no for kind in kinds for no in _refusals(kind, found)}


def _refusals(kind: type[Command[Any]], found: frozenset[Found]) -> set[type[Refusal]]:
    own = call_graph.reached([Code(method, kind) for method in (kind.decide, kind.resolve_workspace_id)])
    usual = call_graph.kinds(call_graph.reached(PATH), Refusal) - _impossible(kind, found)
    return usual | call_graph.kinds(own, Refusal)


def _impossible(kind: type[Command[Any]], found: frozenset[Found]) -> set[type[Refusal]]:
    """What the path of every command can say, but not of this one, or not here."""
    needs, asked = permissions.REQUIRED_PERMISSIONS[kind.__name__], call_graph.functions(found)
    never = {
        errors.NotFound: needs.role is None and kind.creates,
        errors.Forbidden: needs.role is None,
        errors.ScopeTooNarrow: authentication.create_authentication not in asked,
        errors.StreamIsFull: kind.creates,
        errors.IdTaken: not kind.creates or "id" not in kind.__struct_fields__,
        errors.VersionRequired: not kind.requires_version,
        errors.VersionConflict: preconditions.with_expected_version not in asked and not is_batch(found),
        errors.CrossesWorkspaces: not is_batch(found),
        errors.Contradicts: not is_batch(found),
        errors.ColumnNotCounted: True,  # but by the rule of one that enters columns
        errors.KeyReused: preconditions.idempotency_key not in asked,
        errors.TwinInFlight: preconditions.idempotency_key not in asked,
    }
    return {no for no, is_so in never.items() if is_so}
