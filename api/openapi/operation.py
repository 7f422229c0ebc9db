"""An operation: a handler at an address, with all that its code comes to."""

import inspect
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from http import HTTPStatus
from typing import Any, get_args

from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition
from msgspec import Struct

from api.http import authentication, parameters
from api.http.body import JSONBodyDTO
from api.http.command_mode import DryRun
from api.ledger import Ledger
from api.openapi import call_graph, operation_commands
from api.openapi.call_graph import Code, Found, Said
from api.openapi.schemas import options
from commands import permissions
from commands.command import Command
from commands.permissions import RequiredPermission
from infra.identity.permissions import Permissions

_NOUN = re.compile(r":| over HTTP| of | to |\.")


class Operation(Struct, frozen=True, dict=True):
    path: str
    method: str
    handler: HTTPRouteHandler

    @property
    def name(self) -> str:
        """The name of the function, which is unique."""
        return self.handler.handler_name

    @property
    def is_public(self) -> bool:
        return bool(self.handler.opt.get("public"))

    @property
    def can_be_tried(self) -> bool:
        """Whether it takes the parameters of every command: a dry run, and merging."""
        return parameters.is_command_endpoint(self.handler)

    @property
    def parameters(self) -> dict[str, FieldDefinition]:
        """What the function takes, by name."""
        return self.handler.parsed_fn_signature.parameters

    @property
    def body(self) -> Any:
        """The type that the body of a request is decoded into; None where none is read."""
        return self.parameters["data"].annotation if "data" in self.parameters else None

    @property
    def answers(self) -> dict[int, list[Any]]:
        """By status, the types that an answer can have which says yes; none where it has no body.

        They stand in the annotation, `Response[Written]` or `Response[Written | Foreseen]`, and in the `responses` of
        the handler for other statuses.
        """
        returned = self.handler.parsed_fn_signature.return_type
        own = get_args(returned.annotation)[0] if returned.is_subclass_of(Response) else returned.annotation
        found = {self.handler.status_code: [one for one in options(own) if one is not type(None)]}
        for status, spec in (self.handler.responses or {}).items():
            found.setdefault(status, []).extend(options(spec.data_container))
        if self.can_be_tried:
            found.setdefault(HTTPStatus.OK.value, []).append(DryRun)
        return found

    @cached_property
    def found(self) -> frozenset[Found]:
        """All that its code comes to."""
        return call_graph.reached(self._roots(), operation_commands.STOPS)

    @cached_property
    def functions(self) -> frozenset[Callable[..., Any]]:
        """The functions among it."""
        return call_graph.functions(self.found)

    @cached_property
    def commands(self) -> list[type[Command[Any]]]:
        """The commands that it carries out."""
        return operation_commands.commands(self.body, self.found)

    @cached_property
    def needs(self) -> list[RequiredPermission]:
        """What it asks for before it answers, by the table of rights: as an operator, or as a member."""
        asked = {
            call.arguments[0]
            for call in self.found
            if isinstance(call, Said) and call.of is Permissions.require_permission
        }
        asked |= {"Operate"} if Ledger.require_operator in self.functions else set()
        return [
            permissions.REQUIRED_PERMISSIONS[name]
            for name in sorted(asked & permissions.REQUIRED_PERMISSIONS.keys() - {None})
        ]

    @property
    def is_batch(self) -> bool:
        """Whether the request names its commands."""
        return operation_commands.is_batch(self.found)

    @property
    def noun(self) -> str:
        """What its commands are about, where that is one kind of thing."""
        nouns = {kind.state_type.__name__.lower() for kind in self.commands}
        return nouns.pop() if len(nouns) == 1 else ""

    @property
    def module(self) -> str:
        """What its module says that it is about."""
        return (inspect.getdoc(inspect.getmodule(self.handler.fn)) or "").partition("\n")[0]

    @property
    def tag(self) -> str:
        """The noun that this begins with: `Members of a workspace over HTTP.` is `Members`."""
        return _NOUN.split(self.module)[0]

    def kinds(self) -> Iterator[Any]:
        """The types that it decodes and answers."""
        yield from (kind for kinds in self.answers.values() for kind in kinds if kind not in {bytes, str})
        if self.body is not None:
            yield self.body
        if self.is_batch:
            yield from self.commands

    def _roots(self) -> Iterator[Code]:
        """Where the code begins that a request runs through."""
        yield Code(self.handler.fn)
        yield Code(parameters.reject_unknown_parameters)
        if not self.is_public:
            yield Code(authentication.create_authentication)
        if self.body is not None:
            yield Code(JSONBodyDTO.decode_bytes, JSONBodyDTO)


def operations(app: Litestar) -> Iterator[Operation]:
    """Every operation of an application that is to be described."""
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if handler.fn.__module__.startswith("api.") and handler.resolve_include_in_schema():
                yield from (Operation(route.path_format, method.lower(), handler) for method in handler.http_methods)
