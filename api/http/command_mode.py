"""The command mode of a request: whether it is a dry run, and whether a conflict may be rebased."""

from typing import Annotated, Any, Final, Literal

from litestar import Request
from msgspec import Meta, Struct

QUERY_KEY: Final = "taskledger.query"
"""Of the query parameters in the scope of a request."""


class CommandMode(Struct, frozen=True):
    """How to carry out a command: the query parameters of every endpoint that takes one."""

    dry_run: Annotated[
        Literal["false", "true"],
        Meta(
            description="Answer with the result and the events that would be written, and write nothing. "
            "An Idempotency-Key is ignored.",
        ),
    ] = "false"
    on_conflict: Annotated[
        Annotated[Literal["rebase"], Meta(extra_json_schema={"type": "string"})] | None,
        Meta(
            description="`rebase`: execute the command even if others changed other fields since the version you send.",
        ),
    ] = None

    @property
    def is_dry_run(self) -> bool:
        return self.dry_run == "true"

    @property
    def rebase(self) -> bool:
        return self.on_conflict == "rebase"


_DEFAULT_MODE: Final = CommandMode()


def command_mode(request: Request[Any, Any, Any]) -> CommandMode:
    """The mode that the query of this request names; the usual one where an endpoint has other parameters."""
    scope: Any = request.scope
    query = scope[QUERY_KEY]
    return query if isinstance(query, CommandMode) else _DEFAULT_MODE
