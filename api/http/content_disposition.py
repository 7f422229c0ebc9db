"""Content-Disposition: the name of a file, as clients send it and as it is sent to them (RFC 6266, RFC 8187)."""

import re
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Any
from urllib.parse import quote

from litestar import Request

from api.http import headers
from api.http.malformed_request import MalformedRequest
from commands.field_types import FileName
from commands.validation import describe, find_errors

_UNSAFE_IN_QUOTES = re.compile(r'[^ -~]|["\\%]')
_UNRESERVED = "!#$&+-.^_`|~"
"""Beside letters and digits, what RFC 8187 leaves as it is."""


def sent_file_name(request: Request[Any, Any, Any]) -> str:
    """The name that a request gives its body, without folders; raises MalformedRequest without one, or an invalid one.

    `filename*` comes before `filename`, whose bytes beyond ASCII are taken for UTF-8, as browsers send them.
    """
    message = Message()
    message["Content-Disposition"] = headers.first(request, b"content-disposition").replace("\t", " ")
    named = [value for name, value in message.get_params([], "content-disposition") if name.lower() == "filename"]
    if not named:
        detail = 'Name the file with Content-Disposition: attachment; filename="plan.pdf".'
        raise MalformedRequest("invalid_file_name", detail)
    name = re.split(r"[/\\]", _decoded(named[-1]))[-1].strip()
    if errors := find_errors(name, FileName, "#/name"):
        raise MalformedRequest("invalid_file_name", describe(errors))
    return name


def attachment_disposition(name: str) -> str:
    """The header by which a browser saves a file under its name, and shows nothing of it."""
    fallback = _UNSAFE_IN_QUOTES.sub("_", name)
    extended = "" if fallback == name else f"; filename*=UTF-8''{quote(name, safe=_UNRESERVED)}"
    return f'attachment; filename="{fallback}"{extended}'


def _decoded(value: Any) -> str:
    if isinstance(value, tuple):
        return collapse_rfc2231_value(value)
    try:
        return str(value).encode("latin-1").decode()
    except UnicodeError:
        return str(value)
