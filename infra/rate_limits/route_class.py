"""Route classes: requests that cost alike share their limits, by token, user and address."""

from typing import Literal, TypeAlias

from msgspec import Struct

from infra.rate_limits.limit import RateLimit

RouteClass: TypeAlias = Literal["read", "write", "search", "auth"]
LeasedClass: TypeAlias = Literal["read", "write", "search"]


class ClassLimits(Struct, frozen=True):
    """The limits of a class. A token has half of its user's, so one program leaves the other half to the rest."""

    token: RateLimit
    user: RateLimit
    address: RateLimit


def _limits(name: str, per_minute: int) -> ClassLimits:
    return ClassLimits(
        RateLimit(f"{name}-token", per_minute, 60),
        RateLimit(f"{name}-user", 2 * per_minute, 60),
        RateLimit(f"{name}-address", 4 * per_minute, 60),
    )


LIMITS_BY_CLASS: dict[LeasedClass, ClassLimits] = {
    "read": _limits("read", 60_000),
    "write": _limits("write", 30_000),
    "search": _limits("search", 6_000),
}
"""A minute's quota: several times what a web client, or an import that does not hurry, uses."""
