"""A load balancer for tests: sends each request to a process that is ready, over connections that it keeps open."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Self

import httpx

CHECK_INTERVAL_S = 0.2


class Balancer(httpx.AsyncBaseTransport):
    """Follows `/health/ready` of its upstreams, in turn; sends again only what could not be sent at all."""

    def __init__(self) -> None:
        self._transports: dict[str, httpx.AsyncHTTPTransport] = {}
        self._checks: dict[str, asyncio.Task[None]] = {}
        self._ready = set[str]()
        self._turn = itertools.count()
        self.is_checking = True
        """Unless it is, the balancer goes by what it saw last: as between two checks, for as long as a test likes."""

    @classmethod
    @contextlib.asynccontextmanager
    async def start(cls) -> AsyncIterator[Self]:
        balancer = cls()
        try:
            yield balancer
        finally:
            for address in list(balancer._transports):
                await balancer.remove(address)

    def add(self, address: str) -> None:
        """Send requests here, too, once it is ready."""
        self._transports[address] = httpx.AsyncHTTPTransport()
        self._checks[address] = asyncio.create_task(self._check_forever(address))

    async def remove(self, address: str) -> None:
        check = self._checks.pop(address)
        await check
        self._ready.discard(address)
        await self._transports.pop(address).aclose()

    def is_ready(self, address: str) -> bool:
        """Whether it was ready at the last check."""
        return address in self._ready

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        ready = sorted(self._ready)
        if not ready:
            return httpx.Response(502, request=request, text="no upstream is ready")
        first = next(self._turn)
        for attempt in range(len(ready)):
            address = ready[(first + attempt) % len(ready)]
            try:
                return await self._send(address, request)
            except httpx.ConnectError:
                self._ready.discard(address)
        return httpx.Response(502, request=request, text="no upstream accepts connections")

    async def _send(self, address: str, request: httpx.Request) -> httpx.Response:
        upstream = httpx.URL(address)
        request.url = request.url.copy_with(scheme=upstream.scheme, host=upstream.host, port=upstream.port)
        return await self._transports[address].handle_async_request(request)

    async def _check_forever(self, address: str) -> None:
        while address in self._checks:  # a cancelled request would leave its socket open
            if not self.is_checking:
                pass
            elif await self._answers_200(httpx.Request("GET", f"{address}/health/ready"), address):
                self._ready.add(address)
            else:
                self._ready.discard(address)
            await asyncio.sleep(CHECK_INTERVAL_S)

    async def _answers_200(self, request: httpx.Request, address: str) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            response = await self._transports[address].handle_async_request(request)
            await response.aread()
            return response.is_success
        return False
