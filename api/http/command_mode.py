"""The manner of a command: carried out as it is, as a dry run, or merged with what others did."""

from http import HTTPStatus
from typing import Any, Final

from litestar import Request
from msgspec import Struct

from api.http.preconditions import NO_STORE, POSITION
from api.http.problems import Malformed
from api.http.response import Response
from commands.handling.handler import Done
from commands.handling.results import Foreseen, Warned

TAKES: Final = {"dry_run": ("false", "true"), "on_conflict": ("rebase",)}
"""The parameters of every command, and the values that each takes."""
SAYS: Final = {
    "dry_run": "Answer with the events that would be written, and write nothing. An Idempotency-Key is not heeded.",
    "on_conflict": "`rebase`: where others changed other fields since the version you name, carry it out all the same.",
}


class Manner(Struct, frozen=True):
    """How a command is to be carried out."""

    dry: bool = False
    rebase: bool = False


AS_IT_IS: Final = Manner()


def manner(request: Request[Any, Any, Any]) -> Manner:
    """How this request wants its commands carried out; raises Malformed for what is no such manner."""
    if not request.scope["query_string"]:
        return AS_IT_IS
    given = request.query_params
    for name, values in TAKES.items():
        if given.get(name, values[0]) not in values:
            raise Malformed("invalid_parameter", f"{name} is {' or '.join(values)}.", pointer=f"?{name}")
    return Manner(given.get("dry_run") == "true", "on_conflict" in given)


class Planned(Struct, frozen=True, omit_defaults=True):
    """What a command would do: the events, in the order of the log, after what stands there up to that position."""

    events: tuple[Foreseen, ...]
    position: int
    warnings: tuple[Warned, ...] = ()


class Tried(Exception):
    """A dry run ends where the command would have happened: what an endpoint does after that is not done either."""

    def __init__(self, done: Done) -> None:
        super().__init__()
        self.done = done


def planned(_: Request[Any, Any, Any], tried: Tried) -> Response[Planned]:
    """The answer to a dry run."""
    done = tried.done
    headers = {POSITION: str(done.position), **NO_STORE}
    warnings = tuple(warning for result in done.results for warning in result.warnings)
    return Response(Planned(done.events, done.position, warnings), status_code=HTTPStatus.OK, headers=headers)
