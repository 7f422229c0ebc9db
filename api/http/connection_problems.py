"""Problems of requests that are refused before the application sees them, as whole HTTP responses."""

from collections.abc import Iterable
from http import HTTPStatus

import msgspec
from msgspec import Struct

from infra.ids import new_id


class ConnectionProblem(Struct, frozen=True):
    """A problem document (RFC 9457); the connection is closed after it."""

    status: int
    code: str
    title: str
    detail: str

    def response(self, headers: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
        """Status line, headers (ours and these) and body; with a new trace id, as no trace was read."""
        trace_id = new_id().hex
        members = {
            "type": f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "trace_id": trace_id,
        }
        body = msgspec.json.encode(members)
        head = (
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}\r\n"
            "content-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\n"
            "cache-control: no-store\r\n"
            "x-content-type-options: nosniff\r\n"
            f"trace-id: {trace_id}\r\n"
            f"{'retry-after: 1' if self.status == HTTPStatus.SERVICE_UNAVAILABLE else 'vary: Accept'}\r\n"
        )
        more = b"".join(b"%b: %b\r\n" % field for field in headers)
        return head.encode() + more + b"connection: close\r\n\r\n" + body


MALFORMED = ConnectionProblem(
    400, "malformed_request", "The request is malformed.", "It is not HTTP/1.1 as RFC 9112 defines it."
)
INVALID_HOST = ConnectionProblem(
    400, "invalid_host", "The Host header is invalid.", "A request must have exactly one Host header."
)
REPEATED_AUTHORIZATION = ConnectionProblem(
    400, "repeated_header", "A header is repeated.", "A request must not have more than one Authorization header."
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
