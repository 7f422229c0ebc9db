"""Function endpoints: an address and a function that answers there, for what is more than a command or a question.

`request` and `ledger` are passed to it as they are, `data` is the decoded body, `query` a Struct of query parameters,
and a name in the path that is a UUID is what it stands for. A plain function runs in a thread.
"""

import asyncio
import inspect
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, cast, get_args
from uuid import UUID

from litestar import Request
from litestar.typing import FieldDefinition
from litestar.utils.signature import ParsedSignature
from msgspec import Struct

from api.http.body import decode_body_of
from api.http.endpoint import Endpoint, FunctionRef, default_status
from api.http.query_parameters import parameters_in
from api.http.response import Response
from api.path_names import code_of, resolve_names, resolvers_of


def _endpoint(
    method: str, path: str, omitted: Collection[str] = (), **options: Any
) -> Callable[[Callable[..., Any]], Endpoint]:
    def decorate(function: Callable[..., Any]) -> Endpoint:
        signature = ParsedSignature.from_fn(function, {})
        parameters, returned = signature.parameters, signature.return_type
        query_type = parameters["query"].annotation if "query" in parameters else None
        members = _members_of(query_type, {*omitted, *parameters}) if query_type else {}
        parameters = parameters | members
        resolvers = {
            name: resolver
            for name, resolver in resolvers_of(path, {}).items()
            if name in parameters and parameters[name].annotation is UUID
        }
        call = function if inspect.iscoroutinefunction(function) else partial(asyncio.to_thread, function)

        async def answer(request: Request[Any, Any, Any], ledger: Any, **given: Any) -> Response[Any] | None:
            available = {"request": request, "ledger": ledger, **request.scope["path_params"]}
            min_position = given.get("min_position")
            if query_type:
                given["query"] = query_type(**{name: given.pop(name) for name in members.keys() & given.keys()})
            arguments = given | {name: value for name, value in available.items() if name in signature.parameters}
            if "data" in parameters:
                arguments["data"] = decode_body_of(request, await request.body(), parameters["data"].annotation)
            if resolvers:
                arguments |= await resolve_names(resolvers, ledger, request, min_position)
            return cast("Response[Any] | None", await call(**arguments))

        return Endpoint(
            method=method,
            path=path,
            text=function.__doc__ or "",
            answer=answer,
            answer_type=get_args(returned.annotation)[0] if returned.is_subclass_of(Response) else returned.annotation,
            resolvers=resolvers,
            parameters=parameters,
            code=[FunctionRef(function), *map(code_of, resolvers.values())],
            uses_ledger="ledger" in parameters,
            **{"status_code": default_status(method), **options},
        )

    return decorate


def _members_of(query_type: type[Struct], omitted: Collection[str]) -> dict[str, FieldDefinition]:
    return {one.name: one for one in parameters_in(query_type) if one.name not in omitted}


get, post, put, patch, delete = (partial(_endpoint, method) for method in ("GET", "POST", "PUT", "PATCH", "DELETE"))
