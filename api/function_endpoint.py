"""Function endpoints: an address and a function that answers there, for what is more than a command or a question.

`request` and `ledger` are passed to it as they are, `data` is the decoded body, `query` a Struct of query parameters,
and a name in the path that is a UUID is what it stands for. One that changes something and takes no `data` refuses a
body, unless it `takes_bytes`. A `guard` raises a refusal for callers who may not call it. A plain function runs in a
thread.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from types import NoneType
from typing import Any, TypeAlias, cast, get_args, get_origin, get_type_hints
from uuid import UUID

from litestar import Request
from msgspec import Struct

from api.http.body import EmptyBody, decode_body_of
from api.http.endpoint import Endpoint, FunctionRef
from api.http.parameters import NoQuery
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from api.path_names import code_of, names_in, resolve_names, resolvers_of

Guard: TypeAlias = Callable[[Ledger, AuthedRequest], Awaitable[None]]


def _endpoint(
    method: str, path: str, guard: Guard | None = None, **options: Any
) -> Callable[[Callable[..., Any]], Endpoint]:
    def decorate(function: Callable[..., Any]) -> Endpoint:
        types = get_type_hints(function, include_extras=True)
        default_body = None if method == "GET" or options.get("takes_bytes") else EmptyBody
        body_type, returned = types.get("data", default_body), types["return"]
        resolvers = {name: one for name, one in resolvers_of(path, {}).items() if types.get(name) is UUID}
        call = function if inspect.iscoroutinefunction(function) else partial(asyncio.to_thread, function)

        async def answer(request: Request[Any, Any, Any], ledger: Any, query: Struct) -> Response[Any] | None:
            available = {"request": request, "ledger": ledger, "query": query, **request.scope["path_params"]}
            if body_type:
                available["data"] = decode_body_of(request, await request.body(), body_type)
            arguments = {name: value for name, value in available.items() if name in types}
            if resolvers:
                arguments |= await resolve_names(resolvers, ledger, request, query)
            if guard:
                await guard(ledger, request)
            return cast("Response[Any] | None", await call(**arguments))

        return Endpoint(
            method=method,
            path=path,
            text=function.__doc__ or "",
            answer=answer,
            answer_type=get_args(returned)[0] if get_origin(returned) is Response else returned,
            resolvers=resolvers,
            path_types={name: types[name] for name in names_in(path) if name in types},
            query_type=types.get("query", NoQuery),
            body_type=body_type,
            code=[FunctionRef(function), *map(code_of, resolvers.values()), *([code_of(guard)] if guard else [])],
            uses_ledger="ledger" in types,
            **{"status_code": _status(method, returned), **options},
        )

    return decorate


def _status(method: str, returned: Any) -> int:
    """The status of a response that has none of its own."""
    if returned is NoneType:
        return HTTPStatus.NO_CONTENT.value
    return (HTTPStatus.CREATED if method == "POST" else HTTPStatus.OK).value


get, post, put, patch, delete = (partial(_endpoint, method) for method in ("GET", "POST", "PUT", "PATCH", "DELETE"))
