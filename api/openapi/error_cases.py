"""No: every way in which an answer says it, as the code raises it: status, code and title."""

import pkgutil
from collections.abc import Iterable, Iterator
from functools import cache
from http import HTTPStatus
from importlib import import_module

from litestar.exceptions import HTTPException
from msgspec import Struct

import api
from api.http import problems
from api.http.problems import MalformedRequest
from api.openapi import call_graph
from api.openapi.call_graph import Code, Found, Said
from domain import errors
from domain.errors import Refusal

ADVICE = {
    400: "Correct the request: `detail` and `errors` say what is wrong with it. Sent again as it is, it fails again.",
    401: "Log in, and send `Authorization: Bearer <token>`.",
    403: "Ask somebody whose role or token goes further; trying again changes nothing.",
    404: "Check the address and the ids. Whether it is absent or not yours to see is not told.",
    405: "Use one of the methods that `Allow` names.",
    409: "Read what is there now, and decide again on that.",
    410: "It is gone for good.",
    412: "Read what is there now, decide again on that, and name its version in `If-Match`.",
    413: "Send less in one request.",
    415: "Send JSON, with `Content-Type: application/json`.",
    422: "A rule says no to what was understood: choose something that it allows.",
    428: "Name the version that you saw, in `If-Match` or as `expected_version`.",
    429: "Slow down: wait as long as `Retry-After` says.",
    500: "This is a fault of the server: tell whoever runs it the `trace_id`.",
    503: "Try again after as many seconds as `Retry-After` says.",
}
"""What to do, by status."""

BY_FRAMEWORK = (400, 401, 404, 405, 413, 503)
"""The statuses of what the framework says by itself, or is asked to say."""


class No(Struct, frozen=True, order=True):
    """One way of saying no."""

    status: int
    code: str
    title: str


def of_refusal(kind: type[Refusal]) -> No:
    status = next(
        (problems.STATUS_BY_REFUSAL[base] for base in kind.__mro__ if base in problems.STATUS_BY_REFUSAL), 422
    )
    return No(status, kind.code(), kind.title())


def of_status(status: int) -> No:
    """As the framework says it: the code is the phrase."""
    phrase = problems.status_phrase(status)
    return No(status, problems.code_of(phrase), phrase)


def among(found: Iterable[Found]) -> Iterator[No]:
    """The problems that code can answer with which comes to all this."""
    for one in found:
        if isinstance(one, Said) and one.of is MalformedRequest:
            yield _malformed(one)
        elif isinstance(one, type) and issubclass(one, Refusal) and one is not Refusal:
            yield of_refusal(one)
        elif isinstance(one, type) and issubclass(one, HTTPException) and one is not HTTPException:
            yield of_status(one.status_code)
        elif isinstance(one, type) and issubclass(one, Exception) and one in problems.EXCEPTION_HANDLERS:
            yield from of_error(one)


def of_error(kind: type[Exception]) -> Iterator[No]:
    """What an error that is neither a refusal nor the framework's is answered with."""
    for one in call_graph.reached([Code(problems.EXCEPTION_HANDLERS[kind])], frozenset({problems.problem_response})):
        if isinstance(one, Said) and one.of is problems.problem_response:
            match one.arguments:
                case [_, int(status), str(code), str(title)]:
                    yield No(status, code, title)


@cache
def every() -> tuple[No, ...]:
    """Every problem with a code of ours, and what the framework says by itself."""
    own = {of_refusal(kind) for kind in _below(Refusal)}
    own |= {No(412, kind.code(), kind.title()) for kind in (errors.VersionConflict,)}
    by_handlers = {one for kind in problems.EXCEPTION_HANDLERS for one in of_error(kind)}
    return tuple(sorted(own | by_handlers | {*_all_malformed(), *map(of_status, BY_FRAMEWORK)}))


def _malformed(call: Said) -> No:
    status, code = int(dict(call.named).get("status") or HTTPStatus.BAD_REQUEST), str(call.arguments[0])
    return No(status, code, problems.title_of(code, status))


def _all_malformed() -> Iterator[No]:
    for found in pkgutil.walk_packages(api.__path__, "api."):
        module = import_module(found.name)
        for call in call_graph.said_in(module):
            if call.of is MalformedRequest:
                yield _malformed(call)


def _below(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)
