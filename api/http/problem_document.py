"""The problem document: the body of every error, `application/problem+json` (RFC 9457)."""

from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request

from api.http.response import Response
from api.http.tracing import current_trace_id

PROBLEM_MEDIA_TYPE = "application/problem+json"


def problem_response(
    request: Request[Any, Any, Any], status: int, code: str, title: str, **extra_members: Any
) -> Response[bytes]:
    """One problem document, with those further members that are not None."""
    members = {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "instance": request.scope["path"],
        "code": code,
        "trace_id": current_trace_id(),
    }
    body = msgspec.json.encode(members | {name: value for name, value in extra_members.items() if value is not None})
    return Response(body, status_code=status, media_type=PROBLEM_MEDIA_TYPE, headers=_status_headers(status))


def _status_headers(status: int) -> dict[str, str]:
    fields = dict[str, str]()
    if status == HTTPStatus.UNAUTHORIZED:
        fields["WWW-Authenticate"] = "Bearer"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        fields["Retry-After"] = "1"
    return fields
