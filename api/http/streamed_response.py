"""A streamed response: a body that is sent piece by piece, no faster than its client reads."""

from collections.abc import Mapping
from typing import Protocol

from litestar.types import Scope, Send

from api.http.head_requests import HEAD_KEY
from api.http.rate_limiting import rate_limit_fields
from api.http.response import Response, encode_field
from infra.logs import logger


class ClientDisconnected(Exception):
    """Raised by a connection when more of a body is sent to a client that is gone."""


class Source(Protocol):
    """Where the body comes from."""

    async def read_piece(self) -> bytes:
        """The next bytes; empty at the end."""

    def close(self) -> None:
        """Read nothing more."""


class StreamedResponse(Response[bytes]):
    """`length` is the number of bytes that the source has; None if it is not known before the end."""

    def __init__(
        self,
        source: Source,
        length: int | None,
        *,
        status_code: int,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(b"", status_code=status_code, media_type=media_type, headers=headers)
        self._source, self._length = source, length

    async def send(self, scope: Scope, send: Send, status: int) -> None:
        """Send it; what goes wrong halfway ends the connection, as the head is sent by then."""
        status = self.status_code or status
        fields = [encode_field(name, value) for name, value in self.headers.items()]
        fields.append((b"content-type", self.media_type.encode()))
        if self._length is not None:
            fields.append((b"content-length", b"%d" % self._length))
        fields += rate_limit_fields(scope, status)
        try:
            await send({"type": "http.response.start", "status": status, "headers": fields})
            while not scope.get(HEAD_KEY) and (piece := await self._source.read_piece()):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except ClientDisconnected:
            pass
        except Exception as error:  # noqa: BLE001 - any error ends the connection
            logger.warning("a download broke off: {}: {}", type(error).__name__, error)
        finally:
            self._source.close()
