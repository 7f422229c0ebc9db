"""Responses with an entity tag and a position: the answer to a query, or 304; and the headers of a command's answer."""

import re
from typing import Any
from urllib.parse import urlencode

from litestar import Request
from litestar.datastructures import ResponseHeader

from api.http import headers
from api.http.response import Response
from projections.question import Answer

POSITION_HEADER, STALE_HEADER, ZONE_HEADER = "Taskledger-Position", "Taskledger-Stale", "Taskledger-Zone"
LOCATION_HEADER = ResponseHeader(name="Location", documentation_only=True)
"""For an endpoint that sets Location itself."""
GZIP_TAG_SUFFIX = b"-gzip"
"""What the tag of a compressed answer has more: it is another representation of the same."""
_ENTITY_TAG = re.compile(r'"[^"]*"')


def command_headers(position: int, *, replayed: bool) -> dict[str, str]:
    """The headers of a command's answer: a position that includes it, and whether it is a replay."""
    fields = {POSITION_HEADER: str(position)}
    return {**fields, "Idempotent-Replayed": "true"} if replayed else fields


def conditional_response(
    request: Request[Any, Any, Any], answer: Answer, position: int, age: float | None = None
) -> Response[Any]:
    """The encoded answer, or 304 if the client has it already; a stale one is marked, with its age."""
    fields = {"ETag": answer.etag, POSITION_HEADER: str(position)}
    if age is not None:
        fields |= {"Age": str(int(age)), STALE_HEADER: "true"}
    if request.method != "GET":  # the question is in the body, so no tag or link applies
        return Response(answer.body, headers=fields)
    if etag_matches(",".join(headers.lines(request, b"if-none-match")), answer.etag):
        return Response(None, status_code=304, headers=fields)
    if answer.next_cursor:
        fields["Link"] = f'<{request.scope["path"]}?{_next_page_query(request, answer.next_cursor)}>; rel="next"'
    return Response(answer.body, headers=fields)


def etag_matches(if_none_match: str, etag: str) -> bool:
    """Whether `If-None-Match` names the tag, weak or strong, or any at all (RFC 9110, section 13.1.2)."""
    plain = if_none_match.replace(f'{GZIP_TAG_SUFFIX.decode()}"', '"')
    return plain.strip() == "*" or etag in _ENTITY_TAG.findall(plain)


def _next_page_query(request: Request[Any, Any, Any], cursor: str) -> str:
    other_params = {name: value for name, value in request.query_params.items() if name != "cursor"}
    return urlencode({"cursor": cursor, **other_params})
