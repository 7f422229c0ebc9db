"""Question endpoints: an address and the question that is answered there, without code of their own.

The names in the address, the caller (`user`) and the query parameters are the arguments of the question.
"""

import inspect
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from api.http.endpoint import Endpoint, FunctionRef
from api.http.parameters import ReadQuery
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from api.path_names import Resolver, code_of, resolve_names, resolvers_of, types_of
from projections.question import Question


def question(
    path: str,
    ask: Callable[..., Question],
    answer_type: Any,
    text: str,
    query_type: type[Struct] = ReadQuery,
    **own_resolvers: Resolver,
) -> Endpoint:
    """The endpoint of a question with an answer of this type; `own_resolvers` are those of names that only it has."""
    resolvers, is_of_caller = resolvers_of(path, own_resolvers), "user" in inspect.signature(ask).parameters

    async def answer(request: AuthedRequest, ledger: Ledger, query: Struct) -> Response[Any]:
        arguments = asdict(query)
        min_position = arguments.pop("min_position")
        moment = await ledger.moment(request, arguments.pop("as_of", None), arguments.pop("at_position", None))
        names = await resolve_names(resolvers, ledger, request, query)
        caller = {"user": request.user.user_id} if is_of_caller else {}
        return await ledger.read(request, ask(**names, **caller, **arguments).as_of(moment), min_position)

    return Endpoint(
        method="GET",
        path=path,
        status_code=HTTPStatus.OK.value,
        text=text,
        answer=answer,
        answer_type=answer_type,
        resolvers=resolvers,
        path_types=types_of(resolvers),
        query_type=query_type,
        code=[FunctionRef(answer), FunctionRef(ask), *map(code_of, resolvers.values())],
    )
