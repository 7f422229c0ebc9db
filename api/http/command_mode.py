"""The command mode of a request: whether it is a dry run, and whether a conflict may be rebased."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request
from msgspec import Struct

from api.http.malformed_request import MalformedRequest

MODE_PARAMETERS: Final = {"dry_run": ("false", "true"), "on_conflict": ("rebase",)}
"""The parameters of every command, and the values that each takes."""
MODE_DESCRIPTIONS: Final = {
    "dry_run": "Answer with the result and the events that would be written, and write nothing. "
    "An Idempotency-Key is ignored.",
    "on_conflict": "`rebase`: execute the command even if others changed other fields since the version you send.",
}


class CommandMode(Struct, frozen=True):
    """How to carry out a command."""

    is_dry_run: bool = False
    rebase: bool = False


DEFAULT_MODE: Final = CommandMode()
_SCOPE_KEY: Final = "taskledger.command_mode"


def command_mode(request: Request[Any, Any, Any]) -> CommandMode:
    """The mode that the query of this request names, parsed once; raises MalformedRequest for an unknown value."""
    scope: Any = request.scope
    if not scope["query_string"]:
        return DEFAULT_MODE
    mode: CommandMode | None = scope.get(_SCOPE_KEY)
    if mode is None:
        mode = scope[_SCOPE_KEY] = _parse_mode(request.query_params)
    return mode


def _parse_mode(params: Mapping[str, str]) -> CommandMode:
    for name, values in MODE_PARAMETERS.items():
        if params.get(name, values[0]) not in values:
            raise MalformedRequest("invalid_parameter", f"{name} is {' or '.join(values)}.", pointer=f"?{name}")
    return CommandMode(params.get("dry_run") == "true", "on_conflict" in params)
