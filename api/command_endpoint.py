"""Command endpoints: an address and the command that is carried out there, without code of their own.

The command's own class says what follows: a command that creates gets a new id, and the names of the address as its
place; any other is carried out on what the first name stands for.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from msgspec import Struct

from api.http.addressing import in_scope
from api.http.body import decode_body_of
from api.http.command_results import WriteResult
from api.http.endpoint import Endpoint, FunctionRef
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from api.path_names import Resolver, code_of, resolve_names, resolvers_of, types_of
from api.task_names import task_name_fields, with_task_ids
from commands.command import Command, require_found
from infra.ids import new_id


def command(
    method: str,
    path: str,
    command_type: type[Command[Any]],
    text: str,
    target: UUID | None = None,
    **own_resolvers: Resolver,
) -> Endpoint:
    """The endpoint of a command; `own_resolvers` are those of names that only this path has."""
    resolvers = resolvers_of(path, own_resolvers)
    is_named = not (command_type.creates or command_type.may_create)
    target_name = next(iter(resolvers), "") if is_named else ""
    names_tasks = bool(task_name_fields(command_type))
    place = _place(command_type, resolvers.keys() - {target_name})

    async def answer(request: AuthedRequest, ledger: Ledger, query: Struct) -> Response[Any]:
        sent = decode_body_of(request, await request.body(), command_type)
        values = await resolve_names(resolvers, ledger, request, query)
        named: Any = values.pop(target_name, target)
        sent = place(sent, values)
        if names_tasks:
            sent = await with_task_ids(ledger, request, sent)
        return await ledger.write(request, named or _own_target(sent, request.user.user_id), sent)

    return Endpoint(
        method=method,
        path=path,
        status_code=(HTTPStatus.CREATED if command_type.creates else HTTPStatus.OK).value,
        text=text,
        answer=answer,
        answer_type=WriteResult,
        resolvers=resolvers,
        path_types=types_of(resolvers),
        body_type=command_type,
        code=[
            FunctionRef(answer),
            *map(code_of, resolvers.values()),
            *([] if place is _as_sent else [FunctionRef(in_scope)]),
            *([FunctionRef(with_task_ids)] if names_tasks else []),
        ],
    )


def _place(command_type: type[Command[Any]], names: set[str]) -> Callable[[Any, Mapping[str, Any]], Command[Any]]:
    """Puts the values of names into the fields of a command, which its body may name too."""
    fields = {name: name if name in command_type.__struct_fields__ else f"{name}_id" for name in names}
    if not fields:
        return _as_sent
    return lambda sent, values: in_scope(sent, **{fields[name]: value for name, value in values.items()})


def _as_sent(sent: Command[Any], _: Mapping[str, Any]) -> Command[Any]:
    return sent


def _own_target(sent: Any, user: UUID) -> UUID:
    """The target of a user's command that the address does not name."""
    target: UUID = sent.id or new_id() if sent.creates else require_found(sent.derive_target(user))
    return target
