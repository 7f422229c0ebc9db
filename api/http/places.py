"""Places over HTTP: a connection gives a request its place, and the application leaves it."""

from typing import Any

from litestar.types import ASGIApp, Receive, Send

from infra import admission
from infra.admission import Place


def with_places(app: ASGIApp) -> ASGIApp:
    """Wrap the whole application: a handled request leaves the place that its connection gave it, if any."""

    async def middleware(scope: Any, receive: Receive, send: Send) -> None:
        place: Place | None = scope.get("place")
        if place is None:
            await app(scope, receive, send)
            return
        admission.begin(place)
        try:
            await app(scope, receive, send)
        finally:
            place.end()

    return middleware
