"""An operation: an endpoint, with everything that its code reaches."""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from http import HTTPStatus
from typing import Any

from msgspec import Struct

from api.http.authentication import Authentication, TokenVerifier
from api.http.body import decode_body_of
from api.http.endpoint import Endpoint, FunctionRef
from api.http.query_parameters import QueryParameters
from api.http.rate_limiting import RequestLimiter
from api.ledger import Ledger
from api.openapi import call_graph, handler_commands
from api.openapi.call_graph import ConstantCall, Reachable
from api.openapi.schemas import union_members
from commands import permissions
from commands.command import Command
from commands.permissions import RequiredPermission
from infra.identity.permissions import Permissions

_PARAMETER_TYPE = re.compile(r":\w+(?=})")
_TAG_END = re.compile(r":| over HTTP| of | to |\.")


class Operation(Struct, frozen=True, dict=True):
    endpoint: Endpoint

    @property
    def path(self) -> str:
        """The path template, such as `/tasks/{task}`."""
        return _PARAMETER_TYPE.sub("", self.endpoint.path)

    @property
    def method(self) -> str:
        """In lower case, as the document has it."""
        return self.endpoint.method.lower()

    @property
    def has_body(self) -> bool:
        """Whether a request has one."""
        return self.endpoint.body_type is not None or self.endpoint.takes_bytes

    @property
    def name(self) -> str:
        """The name of the endpoint, which is unique."""
        return self.endpoint.name

    def is_dry_run_status(self, status: int) -> bool:
        """Whether only dry runs are answered with it: a command that creates is answered with 201."""
        return self.endpoint.takes_commands and status == HTTPStatus.OK != self.endpoint.status_code

    @property
    def response_types(self) -> dict[int, list[Any]]:
        """By status, the types of a successful response; none if it has no body."""
        kinds = [one for one in union_members(self.endpoint.answer_type) if one not in {None, type(None)}]
        types_by_status = {self.endpoint.status_code: kinds}
        for status, spec in self.endpoint.responses.items():
            types_by_status.setdefault(status, []).extend(union_members(spec.data_container))
        if self.endpoint.takes_commands:  # a dry run
            types_by_status.setdefault(HTTPStatus.OK.value, kinds)
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
        return handler_commands.commands_of(self.endpoint, self.reachable)

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
        return handler_commands.is_batch(self.endpoint)

    @property
    def subject_noun(self) -> str:
        """The noun of its commands, if they share one; else empty."""
        nouns = {kind.state_type.__name__.lower() for kind in self.command_types}
        return nouns.pop() if len(nouns) == 1 else ""

    @property
    def module_summary(self) -> str:
        """The first line of its module's docstring."""
        return (inspect.getdoc(self.endpoint.module) or "").partition("\n")[0]

    @property
    def tag(self) -> str:
        """The noun that the summary begins with: `Members of a workspace over HTTP.` gives `Members`."""
        return _TAG_END.split(self.module_summary)[0]

    def encoded_types(self) -> Iterator[Any]:
        """The types that it encodes."""
        yield from (kind for kinds in self.response_types.values() for kind in kinds if kind not in {bytes, str, None})

    def request_types(self) -> Iterator[Any]:
        """The types that it decodes."""
        if self.endpoint.body_type is not None:
            yield self.endpoint.body_type
        if self.is_batch:
            yield from self.command_types

    def _call_graph_roots(self) -> Iterator[Reachable]:
        """The entry points of the code that serves a request."""
        yield from self.endpoint.code
        yield FunctionRef(QueryParameters.parse, QueryParameters)
        if self.endpoint.is_limited:
            yield FunctionRef(RequestLimiter.before_authentication, RequestLimiter)
        if not self.endpoint.is_public:
            yield from (Authentication, TokenVerifier)
        if self.endpoint.body_type is not None:
            yield FunctionRef(decode_body_of)


def documented_operations(endpoints: Iterable[Endpoint]) -> list[Operation]:
    """The operations that belong in the document."""
    return [Operation(one) for one in endpoints if one.is_documented]
