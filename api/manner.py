"""The manner of a command: carried out as it is, as a dry run, or merged with what others did."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Operation, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType
from msgspec import Struct

from api.conditions import POSITION
from api.problems import Malformed
from commands.handling import Done
from commands.results import Foreseen, Warned

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
    headers = {POSITION: str(done.position), "Cache-Control": "no-store"}
    warnings = tuple(warning for result in done.results for warning in result.warnings)
    return Response(Planned(done.events, done.position, warnings), status_code=HTTPStatus.OK, headers=headers)


def offered(handler: HTTPRouteHandler) -> HTTPRouteHandler:
    """The endpoint, with these parameters and the answer to a dry run in its description."""
    (usual,) = (field.annotation for field in handler.parsed_fn_signature.return_type.inner_types)
    answer = usual | Planned if handler.status_code == HTTPStatus.OK else Planned
    spec = ResponseSpec(answer, description="What was done, or would be", generate_examples=False)
    handler.responses = {**(handler.responses or {}), HTTPStatus.OK: spec}
    handler.operation_class = Commanding
    return handler


@dataclass
class Commanding(Operation):
    """An operation that carries out commands, with the parameters that all of these have."""

    def __post_init__(self) -> None:
        self.parameters = [*(self.parameters or []), *(_described(name) for name in TAKES)]


def _described(name: str) -> Parameter:
    values = TAKES[name]
    kind = Schema(type=OpenAPIType.BOOLEAN) if "true" in values else Schema(type=OpenAPIType.STRING, enum=list(values))
    return Parameter(name, "query", schema=kind, description=SAYS[name])
