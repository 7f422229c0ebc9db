"""An operation: a handler at an address, with everything that its code reaches."""

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

from api.http import authentication, parameter_errors
from api.http.body import JSONBodyDTO
from api.http.rate_limiting import RequestLimiter
from api.ledger import Ledger
from api.openapi import call_graph, handler_commands
from api.openapi.call_graph import ConstantCall, FunctionRef, Reachable
from api.openapi.schemas import union_members
from commands import permissions
from commands.command import Command
from commands.permissions import RequiredPermission
from infra.identity.permissions import Permissions

_TAG_END = re.compile(r":| over HTTP| of | to |\.")


class Operation(Struct, frozen=True, dict=True):
    path: str
    method: str
    handler: HTTPRouteHandler

    @property
    def name(self) -> str:
        """The name of the handler function, which is unique."""
        return self.handler.handler_name

    @property
    def is_public(self) -> bool:
        return bool(self.handler.opt.get("public"))

    @property
    def is_limited(self) -> bool:
        """Whether its requests are counted."""
        return bool(self.handler.opt.get("is_limited"))

    @property
    def takes_mode_parameters(self) -> bool:
        """Whether it takes the mode parameters of commands: dry run and rebase."""
        return parameter_errors.is_command_endpoint(self.handler)

    def is_dry_run_status(self, status: int) -> bool:
        """Whether only dry runs are answered with it: a command that creates is answered with 201."""
        return self.takes_mode_parameters and status == HTTPStatus.OK != self.handler.status_code

    @property
    def parameters(self) -> dict[str, FieldDefinition]:
        """The parameters of the handler function, by name."""
        return self.handler.parsed_fn_signature.parameters

    @property
    def body_type(self) -> Any:
        """The type that the request body is decoded into; None without a body."""
        return self.parameters["data"].annotation if "data" in self.parameters else None

    @property
    def response_types(self) -> dict[int, list[Any]]:
        """By status, the types of a successful response; none if it has no body.

        They are read from the annotation, such as `Response[WriteResult]` or `Response[TaskRow | ExpandedTask]`, and
        from the `responses` of the handler for other statuses.
        """
        returned = self.handler.parsed_fn_signature.return_type
        returned_type = get_args(returned.annotation)[0] if returned.is_subclass_of(Response) else returned.annotation
        types_by_status = {
            self.handler.status_code: [one for one in union_members(returned_type) if one is not type(None)]
        }
        for status, spec in (self.handler.responses or {}).items():
            types_by_status.setdefault(status, []).extend(union_members(spec.data_container))
        if self.takes_mode_parameters:  # a dry run
            types_by_status.setdefault(HTTPStatus.OK.value, types_by_status[self.handler.status_code])
        return types_by_status

    @cached_property
    def reachable(self) -> frozenset[Reachable]:
        """Everything that its code reaches."""
        boundary = handler_commands.COMMAND_PATH_BOUNDARY | handler_commands.BACKGROUND_BOUNDARY
        return call_graph.reachable_from(self._call_graph_roots(), boundary)

    @cached_property
    def reachable_functions(self) -> frozenset[Callable[..., Any]]:
        """The functions that its code reaches."""
        return call_graph.functions_in(self.reachable)

    @cached_property
    def command_types(self) -> list[type[Command[Any]]]:
        """The commands that it executes."""
        return handler_commands.commands_of_handler(self.body_type, self.reachable)

    @cached_property
    def required_permissions(self) -> list[RequiredPermission]:
        """The permissions that it requires, as an operator or as a member, from the table of permissions."""
        actions = {
            call.arguments[0]
            for call in self.reachable
            if isinstance(call, ConstantCall) and call.callee is Permissions.require_permission
        }
        actions |= {"Operate"} if Ledger.require_operator in self.reachable_functions else set()
        return [
            permissions.REQUIRED_PERMISSIONS[name]
            for name in sorted(actions & permissions.REQUIRED_PERMISSIONS.keys() - {None})
        ]

    @property
    def is_batch(self) -> bool:
        """Whether the request names its commands."""
        return handler_commands.is_batch_handler(self.reachable)

    @property
    def subject_noun(self) -> str:
        """The noun of its commands, if they share one; else empty."""
        nouns = {kind.state_type.__name__.lower() for kind in self.command_types}
        return nouns.pop() if len(nouns) == 1 else ""

    @property
    def module_summary(self) -> str:
        """The first line of its module's docstring."""
        return (inspect.getdoc(inspect.getmodule(self.handler.fn)) or "").partition("\n")[0]

    @property
    def tag(self) -> str:
        """The noun that the summary begins with: `Members of a workspace over HTTP.` gives `Members`."""
        return _TAG_END.split(self.module_summary)[0]

    def encoded_types(self) -> Iterator[Any]:
        """The types that it encodes."""
        yield from (kind for kinds in self.response_types.values() for kind in kinds if kind not in {bytes, str})

    def request_types(self) -> Iterator[Any]:
        """The types that it decodes."""
        if self.body_type is not None:
            yield self.body_type
        if self.is_batch:
            yield from self.command_types

    def _call_graph_roots(self) -> Iterator[FunctionRef]:
        """The entry points of the code that serves a request."""
        yield FunctionRef(self.handler.fn)
        yield FunctionRef(parameter_errors.reject_unknown_parameters)
        if self.is_limited:
            yield FunctionRef(RequestLimiter.before_authentication, RequestLimiter)
        if not self.is_public:
            yield FunctionRef(authentication.create_authentication)
        if self.body_type is not None:
            yield FunctionRef(JSONBodyDTO.decode_bytes, JSONBodyDTO)


def documented_operations(app: Litestar) -> Iterator[Operation]:
    """Every operation of an application that belongs in the document."""
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if handler.fn.__module__.startswith("api.") and handler.resolve_include_in_schema():
                yield from (Operation(route.path_format, method.lower(), handler) for method in handler.http_methods)
