"""The `Memento-Datetime` header: since when what an answer shows was so (RFC 7089)."""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

from litestar.datastructures import ResponseHeader

from api.http.response import Response

MEMENTO_NAME: Final = "Memento-Datetime"
MEMENTO_HEADER: Final = ResponseHeader(
    name=MEMENTO_NAME, description="When what is shown became so, as an HTTP date.", documentation_only=True
)


def dated(response: Response[Any], at: datetime) -> Response[Any]:
    """The response with that time in its header."""
    response.headers[MEMENTO_NAME] = format_datetime(at.astimezone(UTC), usegmt=True)
    return response
