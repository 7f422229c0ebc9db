"""Error cases: every status, code and title that an error response can have, and advice by status."""

import pkgutil
from collections.abc import Iterable, Iterator
from functools import cache
from http import HTTPStatus
from importlib import import_module

from litestar.exceptions import HTTPException
from msgspec import Struct

import api
from api.connections import problems as connection_problems
from api.connections.problems import ConnectionProblem
from api.http import problem_document, problems
from api.http.problems import MalformedRequest
from api.openapi import call_graph
from api.openapi.call_graph import ConstantCall, FunctionRef, Reachable
from domain import errors
from domain.errors import Refusal

ADVICE_BY_STATUS = {
    400: "Correct the request: `detail` and `errors` say what is wrong. Retrying it unchanged fails again.",
    401: "Log in, and send `Authorization: Bearer <token>`.",
    403: "Use an account or a token with wider permissions; retrying does not help.",
    404: "Check the address and the ids. The answer does not reveal whether a thing is absent or hidden from you.",
    405: "Use one of the methods listed in `Allow`.",
    408: "Send the whole request without long pauses.",
    409: "Read the current state and decide again.",
    410: "It was permanently deleted.",
    412: "Read the current state, decide again, and send its version in `If-Match`.",
    413: "Send less in one request.",
    415: "Send JSON, with `Content-Type: application/json`.",
    416: "Ask for bytes within the size that `Content-Range` gives.",
    421: "Address the server by one of its own names.",
    422: "The request is valid but not allowed here; the detail says why.",
    428: "Send the version you last read, in `If-Match` or as `expected_version`.",
    429: "Slow down: wait for the seconds given in `Retry-After`.",
    431: "Send fewer or shorter headers, or a shorter address.",
    500: "This is a fault of the server: report the `trace_id` to its operator.",
    503: "Try again after the seconds given in `Retry-After`.",
}
"""Advice for clients, by status."""

FRAMEWORK_STATUSES = (400, 401, 404, 405, 413, 503)
"""The statuses that the framework answers with, by itself or on request."""


class ErrorCase(Struct, frozen=True, order=True):
    """One kind of error response."""

    status: int
    code: str
    title: str


LOST_PRECONDITION = ErrorCase(412, errors.VersionConflict.code(), errors.VersionConflict.title())
"""A version conflict of a version that a header named."""


def from_refusal(refusal_type: type[Refusal]) -> ErrorCase:
    status = next(
        (problems.STATUS_BY_REFUSAL[base] for base in refusal_type.__mro__ if base in problems.STATUS_BY_REFUSAL), 422
    )
    return ErrorCase(status, refusal_type.code(), refusal_type.title())


def from_status(status: int) -> ErrorCase:
    """The framework's own error: its code is the phrase of the status."""
    code = problems.code_of(problems.status_phrase(status))
    return ErrorCase(status, code, problems.title_of(code, status))


def raised_in(reachable: Iterable[Reachable]) -> Iterator[ErrorCase]:
    """The problems that code with these reachable references can answer with."""
    for one in reachable:
        if isinstance(one, ConstantCall) and one.callee is MalformedRequest:
            yield _from_malformed(one)
        elif isinstance(one, type) and issubclass(one, Refusal) and one is not Refusal:
            yield from_refusal(one)
        elif isinstance(one, type) and issubclass(one, HTTPException) and one is not HTTPException:
            yield from_status(one.status_code)
        elif isinstance(one, type) and issubclass(one, Exception) and one in problems.EXCEPTION_HANDLERS:
            yield from from_error(one)


def from_error(error_type: type[Exception]) -> Iterator[ErrorCase]:
    """The problems that the handler of an error type answers with."""
    for one in call_graph.reachable_from(
        [FunctionRef(problems.EXCEPTION_HANDLERS[error_type])], frozenset({problem_document.problem_response})
    ):
        if isinstance(one, ConstantCall) and one.callee is problem_document.problem_response:
            match one.arguments:
                case [_, int(status), str(code), str(title)]:
                    yield ErrorCase(status, code, title)


@cache
def connection_cases() -> tuple[ErrorCase, ...]:
    """The problems of requests that a connection refuses before the application sees them."""
    known = (one for one in vars(connection_problems).values() if isinstance(one, ConnectionProblem))
    return tuple(ErrorCase(one.status, one.code, one.title) for one in known)


@cache
def all_error_cases() -> tuple[ErrorCase, ...]:
    """Every problem with a code of ours, and the framework's own."""
    error_cases = {from_refusal(kind) for kind in _subclasses(Refusal)}
    error_cases.add(LOST_PRECONDITION)
    error_cases |= {*connection_cases()}
    by_handlers = {one for kind in problems.EXCEPTION_HANDLERS for one in from_error(kind)}
    return tuple(sorted(error_cases | by_handlers | {*_all_malformed_cases(), *map(from_status, FRAMEWORK_STATUSES)}))


def _from_malformed(call: ConstantCall) -> ErrorCase:
    status, code = int(dict(call.keywords).get("status") or HTTPStatus.BAD_REQUEST), str(call.arguments[0])
    return ErrorCase(status, code, problems.title_of(code, status))


def _all_malformed_cases() -> Iterator[ErrorCase]:
    for module_info in pkgutil.walk_packages(api.__path__, "api."):
        module = import_module(module_info.name)
        for call in call_graph.constant_calls_in(module):
            if call.callee is MalformedRequest:
                yield _from_malformed(call)


def _subclasses(refusal_type: type[Refusal]) -> Iterator[type[Refusal]]:
    for one in refusal_type.__subclasses__():
        yield one
        yield from _subclasses(one)
