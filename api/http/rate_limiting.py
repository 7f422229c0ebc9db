"""Rate limiting: counts each request by its token, user and address, and reports the limit nearest to its end."""

from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any, cast

from litestar import Request
from litestar.types import Scope
from msgspec import Struct
from msgspec.structs import replace

from api.http import headers
from api.http.client_address import client_network
from domain.errors import TooManyRequests
from infra.identity import client_network as networks
from infra.identity.trusted_proxies import TrustedProxyList
from infra.rate_limits.attempts import AttemptLimits
from infra.rate_limits.lease import Lease, spend
from infra.rate_limits.leases import Leases, now_us
from infra.rate_limits.limit import MICROSECONDS_PER_S, RateLimit, limit_params
from infra.rate_limits.route_class import LIMITS_BY_CLASS, LeasedClass, RouteClass

MAX_KNOWN_CALLERS = 20_000
"""Callers whose leases are found at once; a caller is a token at an address."""
BLOCKS_PER_QUOTA = 1_000
"""A block of requests that are counted together is a thousandth of the quota."""
_SCOPE_KEY = "taskledger.counted"
_CallerKey = tuple[bytes, str, str]
HeaderFields = list[tuple[bytes, bytes]]


class CountedRequest(Struct, frozen=True):
    """A request that was counted: its class, the leases it was counted on, and the header fields that say so."""

    route_class: RouteClass
    leases: tuple[Lease, ...]
    fields: HeaderFields


class Caller:
    """A token at an address: its leases, and the rest of the block of requests that was counted last.

    Counting each cached answer would take longer than finding it, so requests are counted in blocks, before the first.
    A block ends when what it counted has run off again, so its rest is not saved up.
    """

    __slots__ = ("block_ends_at", "block_left", "counted", "leases")

    def __init__(self, leases: tuple[Lease, ...], route_class: LeasedClass) -> None:
        self.leases = leases
        self.block_left = 0
        self.block_ends_at = 0
        self.counted = CountedRequest(route_class, leases, [])


class RequestLimiter:
    """Limits the requests of this process; without `leases`, limits are disabled."""

    def __init__(self, leases: Leases | None, attempt_limits: AttemptLimits, proxies: TrustedProxyList) -> None:
        self._leases = leases
        self._attempt_limits = attempt_limits
        self._proxies = proxies
        self._has_proxies = not proxies.is_empty
        self._callers: dict[_CallerKey, Caller] = {}
        self._generation = 0

    async def settle_forever(self) -> None:
        """Settle with Redis what was let through, until cancelled; without limits, nothing is."""
        if self._leases:
            await self._leases.settle_forever()

    def count_known(self, scope: Scope, authorization: bytes, route_class: LeasedClass) -> HeaderFields | None:
        """The header fields for a request of a known caller; None if it is not known, or must be refused."""
        if self._leases is None:
            return []
        client = scope["client"]
        address = self._address(scope) if self._has_proxies or client is None else client[0]
        caller = self._callers.get((authorization, address, route_class))
        counted = self._count_in_block(caller) if caller else None
        return counted.fields if counted else None

    def before_authentication(
        self, request: Request[Any, Any, Any], endpoint_name: str, route_class: RouteClass | None
    ) -> Awaitable[None] | None:
        """Count a request of a known caller on all its limits, any other by its address. Raises TooManyRequests.

        For requests that Redis counts, there is something to await.
        """
        if self._leases is None:
            return None
        if route_class == "auth":
            return self._count_auth_request(request, endpoint_name)
        if route_class:
            is_search = route_class == "read" and b"filter=" in request.scope["query_string"]
            self._count_caller_or_address(request, "search" if is_search else route_class)
        return None

    def count_unrouted(self, request: Request[Any, Any, Any]) -> None:
        """Count a request to which no route answers, as a read. Raises TooManyRequests."""
        if self._leases and counted_class(request.scope) is None:
            self._count_caller_or_address(request, "read")

    def _count_caller_or_address(self, request: Request[Any, Any, Any], route_class: LeasedClass) -> None:
        """Count a request of a known caller on all its limits, any other by its address. Raises TooManyRequests."""
        key = (authorization_of(request.scope), self._address(request.scope), route_class)
        caller = self._callers.get(key)
        counted = self._count_in_block(caller) if caller else None
        if counted:
            _note(request.scope, counted)
            return
        self._forget_dropped_leases()
        caller = self._callers.get(key)
        if caller:
            self._count(request.scope, caller.leases, route_class)
            return
        limit = LIMITS_BY_CLASS[route_class].address
        address = cast("Leases", self._leases).find(limit, client_network(request, self._proxies))
        self._count(request.scope, (address,), route_class)

    def after_authentication(self, request: Request[Any, Any, Any]) -> None:
        """Count a request whose caller was not known by its token and user too. Raises TooManyRequests."""
        counted: CountedRequest | None = cast("Any", request.scope).get(_SCOPE_KEY)
        if counted is None or len(counted.leases) != 1 or counted.route_class == "auth" or self._leases is None:
            return
        limits, (address,) = LIMITS_BY_CLASS[counted.route_class], counted.leases
        own = (
            self._leases.find(limits.token, str(request.auth.session or request.auth.token)),
            self._leases.find(limits.user, str(request.user.user_id)),
        )
        try:
            self._count(request.scope, own, counted.route_class)
        except TooManyRequests:
            address.refund()
            raise
        if len(self._callers) >= MAX_KNOWN_CALLERS:
            self._callers.clear()
        key = (authorization_of(request.scope), self._address(request.scope), counted.route_class)
        self._callers[key] = Caller((*own, address), counted.route_class)

    def _count_in_block(self, caller: Caller) -> CountedRequest | None:
        """The next request of a block, or the first of a new one; None if the leases do not allow or know it."""
        now = now_us()
        if caller.block_left and now < caller.block_ends_at:
            caller.block_left -= 1
            return caller.counted
        return self._begin_block(caller, now)

    def _begin_block(self, caller: Caller, now: int) -> CountedRequest | None:
        if self._forget_dropped_leases():
            return None
        touched, limit = cast("Leases", self._leases).touched, caller.leases[0].limit
        count = max(1, limit.quota // BLOCKS_PER_QUOTA)
        nearest, level = spend(caller.leases, now, touched, count)
        if level < 0 and count > 1:
            count = 1
            nearest, level = spend(caller.leases, now, touched)
        if level < 0:
            return None
        caller.block_left, caller.block_ends_at = count - 1, now + count * limit.interval_us
        caller.counted = replace(caller.counted, fields=_fields(nearest.limit, level))
        return caller.counted

    async def _count_auth_request(self, request: Request[Any, Any, Any], endpoint_name: str) -> None:
        network = client_network(request, self._proxies)
        charge = await self._attempt_limits.charge_auth_request(endpoint_name, network)
        if charge:
            _note(request.scope, CountedRequest("auth", (), _fields(charge.limit, charge.level_us)))

    def _count(self, scope: Scope, leases: tuple[Lease, ...], route_class: LeasedClass) -> None:
        now = now_us()
        nearest, level = spend(leases, now, cast("Leases", self._leases).touched)
        if level < 0:
            raise TooManyRequests(**limit_params(nearest.limit, nearest.wait_us(now)))
        _note(scope, CountedRequest(route_class, leases, _fields(nearest.limit, level)))

    def _forget_dropped_leases(self) -> bool:
        """Forget all callers if leases of some were dropped; they are known again with their next request."""
        generation = cast("Leases", self._leases).generation
        if generation == self._generation:
            return False
        self._callers.clear()
        self._generation = generation
        return True

    def _address(self, scope: Scope) -> str:
        """The address of a caller: the socket's, unless proxies are trusted."""
        client = scope["client"]
        peer = client[0] if client else ""
        if not self._has_proxies:
            return peer
        return networks.client_network(self._proxies.client_address(peer, headers.lines_of(scope, b"x-forwarded-for")))


def rate_limit_fields(scope: Scope, status: int) -> HeaderFields:
    """The fields of the response to a request that was counted; a refusal has its own."""
    counted: CountedRequest | None = cast("Any", scope).get(_SCOPE_KEY)
    return counted.fields if counted and status != HTTPStatus.TOO_MANY_REQUESTS else []


def counted_class(scope: Scope) -> RouteClass | None:
    """The class that a request was counted in."""
    counted = cast("Any", scope).get(_SCOPE_KEY)
    return counted.route_class if counted else None


def authorization_of(scope: Scope) -> bytes:
    """The values of Authorization, each followed by a line feed: of two, either may count."""
    values = b""
    for name, value in scope["headers"]:
        if name == b"authorization":
            values += value + b"\n"
    return values


def _fields(limit: RateLimit, level_us: int) -> HeaderFields:
    """What remains of a limit (`r`), the seconds until it is whole again (`t`), and its policy."""
    name, left, full_in_s = limit.name.encode(), limit.remaining(level_us), -(-level_us // MICROSECONDS_PER_S)
    return [
        (b"ratelimit", b'"%b";r=%d;t=%d' % (name, left, full_in_s)),
        (b"ratelimit-policy", b'"%b";q=%d;w=%d' % (name, limit.quota, limit.window_s)),
    ]


def _note(scope: Scope, counted: CountedRequest) -> None:
    cast("Any", scope)[_SCOPE_KEY] = counted
