"""Question endpoints: an address and the question that is answered there, without code of their own.

The names in the address, the caller (`user`) and the query parameters are the arguments of the question.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

from litestar.typing import FieldDefinition

from api.http.endpoint import Endpoint, FunctionRef
from api.http.parameters import CursorParam, LimitParam, MinPositionParam
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from api.path_names import Resolver, code_of, field_of, resolvers_of
from projections.question import Question

LIST_PARAMETERS: Final = {"limit": (LimitParam, 50), "cursor": (CursorParam, None)}
"""The query parameters of every list, with their defaults."""
_MIN_POSITION: Final = {"min_position": (MinPositionParam, None)}


class QuestionEndpoint(Endpoint, frozen=True, kw_only=True, eq=False, dict=True):
    """An endpoint that answers one question."""

    ask: Callable[..., Question]
    kind: Any
    """The type of the answer."""
    query_types: Mapping[str, tuple[Any, Any]]
    """The query parameters that are arguments of the question: their types and defaults."""
    resolvers: Mapping[str, Resolver]

    async def answer(self, request: AuthedRequest, ledger: Ledger) -> Response[Any]:
        """Answer the question, once the read model includes the position that the request names."""
        arguments = {**self._defaults, **self.query.parse(request)}
        min_position, names = arguments.pop("min_position"), request.scope["path_params"]
        for name, resolve in self.resolvers.items():
            arguments[name] = await resolve(ledger, request, names[name], min_position)
        if self._is_of_caller:
            arguments["user"] = request.user.user_id
        return await ledger.read(request, self.ask(**arguments), min_position)

    @property
    def code(self) -> Iterator[FunctionRef]:
        """What it does, and the question."""
        yield FunctionRef(QuestionEndpoint.answer, QuestionEndpoint)
        yield FunctionRef(self.ask)
        yield from map(code_of, self.resolvers.values())

    @cached_property
    def parameters(self) -> Mapping[str, FieldDefinition]:
        """The names of the path, and the query parameters."""
        names = {name: field_of(name, resolver) for name, resolver in self.resolvers.items()}
        return names | {
            name: FieldDefinition.from_annotation(kind, name=name, default=default)
            for name, (kind, default) in self.query_types.items()
        }

    @property
    def answer_type(self) -> Any:
        """The type that was given."""
        return self.kind

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        return {name: default for name, (_, default) in self.query_types.items()}

    @cached_property
    def _is_of_caller(self) -> bool:
        return "user" in inspect.signature(self.ask).parameters


def question(
    path: str,
    ask: Callable[..., Question],
    kind: Any,
    text: str,
    query: Mapping[str, tuple[Any, Any]] | None = None,
    **resolvers: Resolver,
) -> QuestionEndpoint:
    """The endpoint of a question with an answer of this type; `query` are the types and defaults of its parameters.

    Any question can wait for a position, so that parameter is not named. `resolvers` are those of names that only this
    path has.
    """
    return QuestionEndpoint(
        method="GET",
        path=path,
        status_code=HTTPStatus.OK.value,
        text=text,
        ask=ask,
        kind=kind,
        query_types={**(query or {}), **_MIN_POSITION},
        resolvers=resolvers_of(path, resolvers),
    )
