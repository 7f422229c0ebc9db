"""The manner of a command: carried out as it is, as a dry run, or merged with what others did."""

from http import HTTPStatus
from typing import Any, Final

from litestar import Request
from msgspec import Struct

from api.http.conditional_response import NO_STORE, POSITION_HEADER
from api.http.problems import MalformedRequest
from api.http.response import Response
from commands.handling.outcome import Committed
from commands.handling.results import PlannedEvent, WipLimitWarning

MODE_PARAMETERS: Final = {"dry_run": ("false", "true"), "on_conflict": ("rebase",)}
"""The parameters of every command, and the values that each takes."""
MODE_DESCRIPTIONS: Final = {
    "dry_run": "Answer with the events that would be written, and write nothing. An Idempotency-Key is not heeded.",
    "on_conflict": "`rebase`: where others changed other fields since the version you name, carry it out all the same.",
}


class CommandMode(Struct, frozen=True):
    """How a command is to be carried out."""

    is_dry_run: bool = False
    rebase: bool = False


DEFAULT_MODE: Final = CommandMode()


def command_mode(request: Request[Any, Any, Any]) -> CommandMode:
    """How this request wants its commands carried out; raises Malformed for what is no such manner."""
    if not request.scope["query_string"]:
        return DEFAULT_MODE
    params = request.query_params
    for name, values in MODE_PARAMETERS.items():
        if params.get(name, values[0]) not in values:
            raise MalformedRequest("invalid_parameter", f"{name} is {' or '.join(values)}.", pointer=f"?{name}")
    return CommandMode(params.get("dry_run") == "true", "on_conflict" in params)


class DryRun(Struct, frozen=True, omit_defaults=True):
    """What a command would do: the events, in the order of the log, after what stands there up to that position."""

    events: tuple[PlannedEvent, ...]
    position: int
    warnings: tuple[WipLimitWarning, ...] = ()


class DryRunDone(Exception):
    """A dry run ends where the command would have happened: what an endpoint does after that is not done either."""

    def __init__(self, outcome: Committed) -> None:
        super().__init__()
        self.outcome = outcome


def dry_run_response(_: Request[Any, Any, Any], dry_run: DryRunDone) -> Response[DryRun]:
    """The answer to a dry run."""
    outcome = dry_run.outcome
    headers = {POSITION_HEADER: str(outcome.position), **NO_STORE}
    warnings = tuple(warning for result in outcome.results for warning in result.warnings)
    return Response(
        DryRun(outcome.planned_events, outcome.position, warnings), status_code=HTTPStatus.OK, headers=headers
    )
