"""Problems of requests that are refused before the application sees them, as whole HTTP responses."""

from collections.abc import Iterable
from functools import cache
from http import HTTPStatus

import msgspec
from msgspec import Struct

from api.http.tracing import SECURITY_HEADERS
from domain.errors import Overloaded
from infra.ids import new_id

RETRY_AFTER_S = 1
_TRACE_ID = b"0" * 32
"""Stands for the trace id in a response that is prepared."""


class ConnectionProblem(Struct, frozen=True):
    """A problem document (RFC 9457)."""

    status: int
    code: str
    title: str
    detail: str

    def response(
        self,
        headers: Iterable[tuple[bytes, bytes]] = (),
        *,
        path: str = "",
        keep_alive: bool = False,
        has_body: bool = True,
    ) -> bytes:
        """Status line, headers (ours and these) and body; with a new trace id, as no trace was read.

        Without a path, which has not arrived then, `instance` is the empty reference: the request itself.
        """
        head, members = _prepared_response(self, keep_alive)
        trace_id, more = new_id().hex.encode(), b"".join(b"%b: %b\r\n" % field for field in headers)
        body = b'%b,"instance":%b}' % (members.replace(_TRACE_ID, trace_id), msgspec.json.encode(path))
        response = b"%bcontent-length: %d\r\n%b\r\n" % (head.replace(_TRACE_ID, trace_id), len(body), more)
        return response + body if has_body else response


class RequestRefused(Exception):
    """Raised in callbacks of the parser, which then stops; `problem` is the response."""

    def __init__(self, problem: ConnectionProblem) -> None:
        super().__init__(problem.title)
        self.problem = problem


@cache
def _prepared_response(problem: ConnectionProblem, keep_alive: bool) -> tuple[bytes, bytes]:  # noqa: FBT001 - private
    """The head without the length of the body, and the body as far as it is the same for all requests."""
    members = {
        "type": f"/problems/{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "trace_id": _TRACE_ID.decode(),
    }
    fields = [
        f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}",
        "content-type: application/problem+json",
        "cache-control: no-store",
        *(f"{name.decode()}: {value.decode()}" for name, value in SECURITY_HEADERS),
        f"trace-id: {_TRACE_ID.decode()}",
        *([f"retry-after: {RETRY_AFTER_S}"] if problem.status == HTTPStatus.SERVICE_UNAVAILABLE else []),
        *([] if keep_alive else ["connection: close"]),
    ]
    return "".join(f"{field}\r\n" for field in fields).encode(), msgspec.json.encode(members).removesuffix(b"}")


MALFORMED = ConnectionProblem(
    400, "malformed_request", "The request is malformed.", "It is not HTTP/1.1 as RFC 9112 defines it."
)
INVALID_HOST = ConnectionProblem(
    400, "invalid_host", "The Host header is invalid.", "A request must have exactly one Host header."
)
REPEATED_HEADER = ConnectionProblem(
    400,
    "repeated_header",
    "A header is repeated.",
    "A request must not have more than one Authorization or Content-Type header.",
)
REQUEST_TIMEOUT = ConnectionProblem(
    408, "request_timeout", "The request took too long to arrive.", "Send it again, without pauses."
)
UNKNOWN_HOST = ConnectionProblem(
    421,
    "unknown_host",
    "This server does not have the name in the Host header.",
    "Use a name of this server. Its operator lists them in TASKLEDGER_HOSTS.",
)
HEAD_TOO_LARGE = ConnectionProblem(
    431,
    "request_head_too_large",
    "The request line and headers are too large.",
    "They may have 64 KiB and 100 headers in all.",
)
TOO_MANY_CONNECTIONS = ConnectionProblem(
    503, "too_many_connections", "The server has too many open connections.", "Try again in a moment."
)
OVERLOADED = ConnectionProblem(503, Overloaded.code(), Overloaded.title(), "This request was not carried out.")
