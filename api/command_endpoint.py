"""Command endpoints: an address and the command that is carried out there, without code of their own.

The command's own class says what follows: a command that creates gets a new id and the names of the address as its
place; any other is carried out on what the first name stands for.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any
from uuid import UUID

from litestar.typing import FieldDefinition

from api.http.addressing import in_scope
from api.http.body import decode_body_of
from api.http.command_results import WriteResult
from api.http.endpoint import Endpoint, FunctionRef
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from api.path_names import Resolver, code_of, field_of, resolvers_of
from commands.command import Command, require_found
from infra.ids import new_id


class CommandEndpoint(Endpoint, frozen=True, kw_only=True, eq=False, dict=True):
    """An endpoint that carries out one command."""

    command_type: type[Command[Any]]
    resolvers: Mapping[str, Resolver]
    """How each name in the path is resolved."""
    constant_target: UUID | None = None

    async def answer(self, request: AuthedRequest, ledger: Ledger) -> Response[Any]:
        """Carry out the command that the body is."""
        self.query.parse(request)
        sent = decode_body_of(request, await request.body(), self.command_type)
        names: dict[str, Any] = request.scope["path_params"]
        values = {name: await resolve(ledger, request, names[name]) for name, resolve in self.resolvers.items()}
        target: Any = values.pop(self._target_name) if self._target_name else None
        if values:
            sent = self._place(sent, values)
        return await ledger.write(request, target or self._own_target(sent), sent)

    @property
    def code(self) -> Iterator[FunctionRef]:
        """What it does, and only what this one does: a name is resolved, or is a place that a body may contradict."""
        yield FunctionRef(CommandEndpoint.answer, CommandEndpoint)
        yield from map(code_of, self.resolvers.values())
        if self.resolvers.keys() - {self._target_name}:
            yield FunctionRef(in_scope)

    @cached_property
    def parameters(self) -> Mapping[str, FieldDefinition]:
        """The names of the path, and the body."""
        names = {name: field_of(name, resolver) for name, resolver in self.resolvers.items()}
        return {**names, "data": FieldDefinition.from_annotation(self.command_type, name="data")}

    @property
    def answer_type(self) -> Any:
        """The result of the command."""
        return WriteResult

    @cached_property
    def _target_name(self) -> str | None:
        is_named = not (self.command_type.creates or self.command_type.may_create)
        return next(iter(self.resolvers), None) if is_named else None

    @cached_property
    def _place(self) -> Callable[[Any, dict[str, Any]], Command[Any]]:
        """Put the values of the names into the fields of the command."""
        fields = {
            name: name if name in self.command_type.__struct_fields__ else f"{name}_id" for name in self.resolvers
        }
        return lambda sent, values: in_scope(sent, **{fields[name]: value for name, value in values.items()})

    def _own_target(self, sent: Any) -> UUID:
        """The target of a command that the address does not name."""
        if self.command_type.creates:
            target: UUID = sent.id or new_id()
            return target
        return self.constant_target or require_found(sent.derive_target())


def command(
    method: str,
    path: str,
    command_type: type[Command[Any]],
    text: str,
    target: UUID | None = None,
    **resolvers: Resolver,
) -> CommandEndpoint:
    """The endpoint of a command; `resolvers` are those of names that only this path has."""
    status = HTTPStatus.CREATED if command_type.creates else HTTPStatus.OK
    return CommandEndpoint(
        method=method,
        path=path,
        status_code=status.value,
        text=text,
        command_type=command_type,
        resolvers=resolvers_of(path, resolvers),
        constant_target=target,
    )
