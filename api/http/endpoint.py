"""An endpoint: a method and an address, and what answers there, as a value.

The route, the rate limit, the parameters and the OpenAPI document are made of it; `api.http.resource` serves it.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import ModuleType
from typing import Any, Final

from litestar import Request
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Struct
from msgspec.structs import replace

from api.http.body import MAX_BODY_BYTES
from api.http.command_mode import CommandMode
from api.http.command_results import BatchResult, WriteResult
from api.http.parameters import NoQuery
from api.http.query_parameters import QueryParameters
from api.http.response import Response
from infra.rate_limits.route_class import RouteClass

ENDPOINT_KEY: Final = "taskledger.endpoint"


class FunctionRef(Struct, frozen=True):
    """A function, and its class if it is a method."""

    function: Callable[..., Any]
    owner: type | None = None


class Endpoint(Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """An endpoint. The module and the variable that it stands in give it its tag and its name."""

    method: str
    path: str
    status_code: int
    text: str
    """What it does, for the document."""
    answer: Callable[..., Awaitable[Response[Any] | None]]
    """Returns the response to a request, given the ledger and the query parameters; None is no body."""
    answer_type: Any
    """The type of the body of its response."""
    path_types: Mapping[str, Any]
    """The types of the names in its path."""
    resolvers: Mapping[str, Callable[..., Any]]
    """What finds the value of each name in its path; any other is a text."""
    code: Sequence[FunctionRef]
    """The functions that answer."""
    query_type: type[Struct] = NoQuery
    """The type whose members are its query parameters."""
    body_type: Any = None
    """The type that the request body is decoded into; None without a body."""
    takes_bytes: bool = False
    """Whether its body is bytes of any type, which its function receives while they arrive."""
    uses_ledger: bool = True
    """Whether it reads or writes anything."""
    name: str = ""
    module: ModuleType | None = None
    is_public: bool = False
    """Whether it needs no token. Endpoints are marked one by one: path patterns would admit too much."""
    is_limited: bool = False
    """Whether its requests are counted."""
    costs_like: RouteClass | None = None
    """The class that its requests are counted in, if another than that of its method."""
    max_body_bytes: int = MAX_BODY_BYTES
    responses: Mapping[int, ResponseSpec] = {}
    """Its successful responses with another status."""
    response_headers: Sequence[ResponseHeader] = ()
    """The headers that it sets itself, for the document."""
    media_type: str = "application/json"
    other_media_types: Sequence[str] = ()
    """What its response may be too, beside `media_type`."""
    is_documented: bool = True

    @cached_property
    def takes_commands(self) -> bool:
        """Whether it executes commands of a caller, judged by its answer.

        It stores nothing before the command; a dry run ends there, so nothing after it runs.
        """
        return not self.is_public and self.answer_type in {WriteResult, BatchResult}

    @cached_property
    def query(self) -> QueryParameters:
        """Its query parameters."""
        return QueryParameters(CommandMode if self.takes_commands else self.query_type)

    @cached_property
    def route_class(self) -> RouteClass | None:
        """The class that its requests are counted in, if any."""
        if not self.is_limited:
            return None
        by_method: RouteClass = "read" if self.method == "GET" else "write"
        return "auth" if self.is_public else self.costs_like or by_method


def endpoints_in(modules: Iterable[ModuleType], base_path: str = "", *, is_limited: bool = False) -> Iterator[Endpoint]:
    """The endpoints that stand in modules, with their names and whole paths."""
    for module in modules:
        for name, value in vars(module).items():
            if isinstance(value, Endpoint):
                yield replace(value, name=name, module=module, path=base_path + value.path, is_limited=is_limited)


def endpoint_of(request: Request[Any, Any, Any]) -> Endpoint:
    """The endpoint that answers a request."""
    scope: Any = request.scope
    found: Endpoint = scope[ENDPOINT_KEY]
    return found
