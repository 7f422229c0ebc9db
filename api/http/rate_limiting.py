"""Rate limiting: counts each request by its token, user and address, and reports the limit nearest to its end."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, cast

from litestar import Request
from litestar.handlers import BaseRouteHandler
from litestar.types import HTTPScope, Message, Scope
from msgspec import Struct

from api.http import headers
from api.http.client_address import client_network
from domain.errors import TooManyRequests
from infra.identity import client_network as networks
from infra.identity.trusted_proxies import TrustedProxyList
from infra.rate_limits.attempts import AttemptLimits
from infra.rate_limits.lease import Lease, spend
from infra.rate_limits.leases import Leases, now_us
from infra.rate_limits.limit import AUTH_LIMIT, MICROSECONDS_PER_S, RateLimit, limit_params
from infra.rate_limits.route_class import LIMITS_BY_CLASS, LeasedClass, RouteClass

LIMITED: Final = {"is_limited": True}
"""The option of a router whose routes are limited."""
SEARCH: Final = {"route_class": "search"}
"""The option of a handler that costs as much as a search, whatever its method."""
MAX_KNOWN_CALLERS = 20_000
"""Callers whose leases are found at once; a caller is a token at an address."""
_SCOPE_KEY = "taskledger.counted"
_CallerKey = tuple[bytes, str, str]
HeaderFields = list[tuple[bytes, bytes]]


class CountedRequest(Struct, frozen=True):
    """A request that was counted: its class, the leases it was counted on, and the header fields that say so."""

    route_class: RouteClass
    leases: tuple[Lease, ...]
    fields: HeaderFields


class RequestLimiter:
    """Limits the requests of this process; without `leases`, limits are disabled."""

    def __init__(self, leases: Leases | None, attempt_limits: AttemptLimits, proxies: TrustedProxyList) -> None:
        self._leases = leases
        self._attempt_limits = attempt_limits
        self._proxies = proxies
        self._leases_by_caller: dict[_CallerKey, tuple[Lease, ...]] = {}
        self._generation = 0

    async def settle_forever(self) -> None:
        """Settle with Redis what was let through, until cancelled; without limits, nothing is."""
        if self._leases:
            await self._leases.settle_forever()

    def count_known(self, scope: Scope, authorization: bytes, route_class: LeasedClass) -> HeaderFields | None:
        """The header fields for a request of a known caller; None if it is not known, or must be refused."""
        if self._leases is None:
            return []
        leases = self._known_leases((authorization, self._address(scope), route_class))
        if leases is None:
            return None
        nearest, level = spend(leases, now_us(), self._leases.touched)
        return _fields(nearest.limit, level, POLICY_BY_CLASS[route_class]) if level >= 0 else None

    async def before_authentication(self, request: Request[Any, Any, Any]) -> None:
        """Count a request of a known caller on all its limits, any other by its address. Raises TooManyRequests."""
        route_class = route_class_of(request.route_handler, request.scope)
        if self._leases is None or route_class is None:
            return
        if route_class == "auth":
            await self._count_auth_request(request)
            return
        known = self._known_leases((authorization_of(request.scope), self._address(request.scope), route_class))
        if known is None:
            limit = LIMITS_BY_CLASS[route_class].address
            known = (self._leases.find(limit, client_network(request, self._proxies)),)
        self._count(request.scope, known, route_class)

    def after_authentication(self, request: Request[Any, Any, Any]) -> None:
        """Count a request whose caller was not known by its token and user too. Raises TooManyRequests."""
        counted: CountedRequest | None = cast("Any", request.scope).get(_SCOPE_KEY)
        if self._leases is None or counted is None or len(counted.leases) != 1 or counted.route_class == "auth":
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
        if len(self._leases_by_caller) >= MAX_KNOWN_CALLERS:
            self._leases_by_caller.clear()
        caller = (authorization_of(request.scope), self._address(request.scope), counted.route_class)
        self._leases_by_caller[caller] = (*own, address)

    async def _count_auth_request(self, request: Request[Any, Any, Any]) -> None:
        route, network = request.route_handler.handler_name, client_network(request, self._proxies)
        charge = await self._attempt_limits.charge_auth_request(route, network)
        if charge:
            _note(request.scope, CountedRequest("auth", (), _fields(charge.limit, charge.level_us, _AUTH_POLICY)))

    def _count(self, scope: Scope, leases: tuple[Lease, ...], route_class: LeasedClass) -> None:
        now = now_us()
        nearest, level = spend(leases, now, cast("Leases", self._leases).touched)
        if level < 0:
            raise TooManyRequests(**limit_params(nearest.limit, nearest.wait_us(now)))
        _note(scope, CountedRequest(route_class, leases, _fields(nearest.limit, level, POLICY_BY_CLASS[route_class])))

    def _known_leases(self, caller: _CallerKey) -> tuple[Lease, ...] | None:
        generation = cast("Leases", self._leases).generation
        if generation != self._generation:
            self._leases_by_caller.clear()
            self._generation = generation
        return self._leases_by_caller.get(caller)

    def _address(self, scope: Scope) -> str:
        """The address of a caller: the socket's, unless proxies are trusted."""
        client = scope["client"]
        peer = client[0] if client else ""
        if self._proxies.is_empty:
            return peer
        return networks.client_network(self._proxies.client_address(peer, headers.lines_of(scope, b"x-forwarded-for")))


async def add_rate_limit_headers(message: Message, scope: Scope) -> None:
    """Add the fields to the response of a request that was counted; a refusal has its own."""
    if message["type"] == "http.response.start" and message["status"] != HTTPStatus.TOO_MANY_REQUESTS:
        counted = cast("Any", scope).get(_SCOPE_KEY)
        if counted:
            message["headers"] = [*message["headers"], *counted.fields]


def counted_class(scope: Scope) -> RouteClass | None:
    """The class that a request was counted in."""
    counted = cast("Any", scope).get(_SCOPE_KEY)
    return counted.route_class if counted else None


def authorization_of(scope: Scope) -> bytes:
    """The values of Authorization, each followed by a line feed: of two, either may count."""
    return b"".join(value + b"\n" for name, value in scope["headers"] if name == b"authorization")


def route_class_of(handler: BaseRouteHandler, scope: Scope) -> RouteClass | None:
    """The class of a request; None if its route is not limited."""
    options = handler.opt
    if not options.get("is_limited"):
        return None
    if options.get("public"):
        return "auth"
    if "route_class" in options:
        return cast("RouteClass", options["route_class"])
    if cast("HTTPScope", scope)["method"] == "GET":
        return "search" if b"filter=" in scope["query_string"] else "read"
    return "write"


def policy(limits: Sequence[RateLimit]) -> bytes:
    """The limits of a class, for the RateLimit-Policy header."""
    return ", ".join(f'"{one.name}";q={one.quota};w={one.window_s}' for one in limits).encode()


POLICY_BY_CLASS = {name: policy((one.token, one.user, one.address)) for name, one in LIMITS_BY_CLASS.items()}
_AUTH_POLICY = policy([AUTH_LIMIT])


def _fields(limit: RateLimit, level_us: int, policies: bytes) -> HeaderFields:
    """What remains of a limit (`r`), and the seconds until it is whole again (`t`)."""
    left, full_in_s = limit.remaining(level_us), -(-level_us // MICROSECONDS_PER_S)
    return [
        (b"ratelimit", b'"%b";r=%d;t=%d' % (limit.name.encode(), left, full_in_s)),
        (b"ratelimit-policy", policies),
    ]


def _note(scope: Scope, counted: CountedRequest) -> None:
    cast("Any", scope)[_SCOPE_KEY] = counted
