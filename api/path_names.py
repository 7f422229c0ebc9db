"""Path names: what `{task}` or `{workspace}` in an address stands for, and how its value is found."""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any, Final, Protocol, TypeAlias, get_type_hints
from uuid import UUID

from msgspec import Struct

from api.http.addressing import parse_id
from api.http.endpoint import FunctionRef
from api.ledger import AuthedRequest, Ledger

Parser: TypeAlias = Callable[[str], UUID | str]
"""Gives the value of a text in an address; raises MalformedRequest or a Refusal."""


class Lookup(Protocol):
    """Finds the value of a name by more than its text; raises MalformedRequest or a Refusal."""

    def __call__(
        self, ledger: Ledger, request: AuthedRequest, text: str, min_position: int | None = None, /
    ) -> Awaitable[UUID | str]:
        """As of a position."""


Resolver: TypeAlias = Parser | Lookup
_NAME: Final = re.compile(r"{(\w+)")
_LOOKUPS: Final[Mapping[str, Lookup]] = {"project": Ledger.resolve_project_id, "task": Ledger.resolve_task_id}
"""Those that every address shares; any other name is an id."""
_is_lookup: Final = cache(inspect.iscoroutinefunction)


def resolvers_of(path: str, own: Mapping[str, Resolver]) -> dict[str, Resolver]:
    """The resolver of each name in a path, in order; `own` come before those that every address shares."""
    return {name: own.get(name, _LOOKUPS.get(name, parse_id)) for name in names_in(path)}


def names_in(path: str) -> list[str]:
    """The names in a path, in order."""
    return _NAME.findall(path)


async def resolve_names(
    resolvers: Mapping[str, Any], ledger: Ledger, request: AuthedRequest, query: Struct
) -> dict[str, UUID | str]:
    """The values of the names in the address of a request, as of the `min_position` of its query."""
    texts, min_position = request.scope["path_params"], getattr(query, "min_position", None)
    values: dict[str, UUID | str] = {}
    for name, one in resolvers.items():
        values[name] = await one(ledger, request, texts[name], min_position) if _is_lookup(one) else one(texts[name])
    return values


def types_of(resolvers: Mapping[str, Any]) -> dict[str, Any]:
    """The types of names in a path: what their resolvers return."""
    return {name: get_type_hints(one, include_extras=True)["return"] for name, one in resolvers.items()}


def code_of(function: Any) -> FunctionRef:
    """A function, or a method of the ledger, as the code of an endpoint."""
    return FunctionRef(function, Ledger if getattr(Ledger, function.__name__, None) is function else None)
