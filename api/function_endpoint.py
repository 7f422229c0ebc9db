"""Function endpoints: an address and a function that answers there, for what is more than a command or a question."""

import asyncio
import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from typing import Any, cast, get_args
from uuid import UUID

from litestar import Request
from litestar.typing import FieldDefinition
from litestar.utils.signature import ParsedSignature

from api.http.body import decode_body_of
from api.http.endpoint import Endpoint, FunctionRef, default_status
from api.http.response import Response
from api.path_names import Resolver, code_of, resolvers_of


class FunctionEndpoint(Endpoint, frozen=True, kw_only=True, eq=False, dict=True):
    """An endpoint that is a function of the parts of a request that its parameters name; a plain one runs in a thread.

    `request` and `ledger` are passed as they are, `data` is the decoded body, a name in the path that is a UUID is what
    it stands for.
    """

    function: Callable[..., Any]

    async def answer(self, request: Request[Any, Any, Any], ledger: Any) -> Response[Any] | None:
        """What the function returns."""
        arguments = {**request.scope["path_params"], **self.query.parse(request)}
        for name in self._injected_names:
            arguments[name] = request if name == "request" else ledger
        if self.body_type is not None:
            arguments["data"] = decode_body_of(request, await request.body(), self.body_type)
        for name, resolve in self.resolvers.items():
            arguments[name] = await resolve(ledger, request, arguments[name], arguments.get("min_position"))
        if not self._is_coroutine_function:
            return cast("Response[Any] | None", await asyncio.to_thread(self.function, **arguments))
        return cast("Response[Any] | None", await self.function(**arguments))

    @property
    def code(self) -> Iterable[FunctionRef]:
        """The function, and what finds its arguments."""
        yield FunctionRef(self.function)
        yield from map(code_of, self.resolvers.values())

    @cached_property
    def resolvers(self) -> Mapping[str, Resolver]:
        """Those of the parameters that are UUIDs."""
        found = resolvers_of(self.path, {})
        return {name: resolve for name, resolve in found.items() if self.parameters[name].annotation is UUID}

    @cached_property
    def _signature(self) -> ParsedSignature:
        return ParsedSignature.from_fn(self.function, {})

    @property
    def parameters(self) -> Mapping[str, FieldDefinition]:
        """Those of the function."""
        return self._signature.parameters

    @cached_property
    def answer_type(self) -> Any:
        """As `Response[WriteResult]` says it."""
        returned = self._signature.return_type
        return get_args(returned.annotation)[0] if returned.is_subclass_of(Response) else returned.annotation

    @cached_property
    def body_type(self) -> Any:
        """The type of `data`."""
        return super().body_type

    @property
    def uses_ledger(self) -> bool:
        """Whether the function takes the ledger."""
        return "ledger" in self.parameters

    @cached_property
    def _injected_names(self) -> tuple[str, ...]:
        return tuple(name for name in ("request", "ledger") if name in self.parameters)

    @cached_property
    def _is_coroutine_function(self) -> bool:
        return inspect.iscoroutinefunction(self.function)


def _endpoint(method: str, path: str, **options: Any) -> Callable[[Callable[..., Any]], FunctionEndpoint]:
    def decorate(function: Callable[..., Any]) -> FunctionEndpoint:
        fields = {"status_code": default_status(method), **options}
        return FunctionEndpoint(method=method, path=path, text=function.__doc__ or "", function=function, **fields)

    return decorate


get, post, put, patch, delete = (partial(_endpoint, method) for method in ("GET", "POST", "PUT", "PATCH", "DELETE"))
