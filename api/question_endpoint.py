"""Question endpoints: an address and the question that is answered there, without code of their own.

The names in the address, the caller (`user`) and the query parameters are the arguments of the question.
"""

import inspect
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from litestar.typing import FieldDefinition

from api.http.endpoint import Endpoint, FunctionRef
from api.http.parameters import CursorParam, LimitParam, MinPositionParam
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from api.path_names import Resolver, code_of, field_of, resolve_names, resolvers_of
from projections.question import Question

LIST_PARAMETERS: Final = {"limit": (LimitParam, 50), "cursor": (CursorParam, None)}
"""The query parameters of every list, with their types and defaults."""


def question(
    path: str,
    ask: Callable[..., Question],
    answer_type: Any,
    text: str,
    query: Mapping[str, tuple[Any, Any]] | None = None,
    **own_resolvers: Resolver,
) -> Endpoint:
    """The endpoint of a question with an answer of this type; `query` are the types and defaults of its parameters.

    Any question can wait for a position, so that parameter is not named. `own_resolvers` are those of names that only
    this path has.
    """
    resolvers, is_of_caller = resolvers_of(path, own_resolvers), "user" in inspect.signature(ask).parameters
    query = {**(query or {}), "min_position": (MinPositionParam, None)}
    defaults = {name: default for name, (_, default) in query.items()}

    async def answer(request: AuthedRequest, ledger: Ledger, **given: Any) -> Response[Any]:
        arguments = {**defaults, **given}
        min_position = arguments.pop("min_position")
        names = await resolve_names(resolvers, ledger, request, min_position)
        caller = {"user": request.user.user_id} if is_of_caller else {}
        return await ledger.read(request, ask(**names, **caller, **arguments), min_position)

    return Endpoint(
        method="GET",
        path=path,
        status_code=HTTPStatus.OK.value,
        text=text,
        answer=answer,
        answer_type=answer_type,
        resolvers=resolvers,
        parameters={name: field_of(name, resolver) for name, resolver in resolvers.items()}
        | {
            name: FieldDefinition.from_annotation(kind, name=name, default=default)
            for name, (kind, default) in query.items()
        },
        code=[FunctionRef(answer), FunctionRef(ask), *map(code_of, resolvers.values())],
    )
