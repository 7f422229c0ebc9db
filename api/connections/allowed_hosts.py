"""Allowed hosts: the names by which clients may address a server, against DNS rebinding.

A page on a stranger's site can have its own name resolved to an address of this machine. The browser then sends its
requests here, past firewall and CORS, but under the stranger's name.
"""

import ipaddress
import re
from collections.abc import Iterable

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+?)\.?(?::[0-9]*)?")
MAX_CACHED_HOSTS = 100


class AllowedHosts:
    """The values of a Host header that name this server."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names | _LOOPBACK_NAMES
        self._cached = set[bytes]()

    def name(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether the Host of a request, if it has one, names this server."""
        return all(value in self for name, value in headers if name == b"host")

    def __contains__(self, host: bytes) -> bool:
        if host in self._cached:
            return True
        match = _HOST.fullmatch(host.decode("latin-1").lower())
        is_allowed = match is not None and match[1] in self._names
        if is_allowed and len(self._cached) < MAX_CACHED_HOSTS:  # ports vary
            self._cached.add(host)
        return is_allowed


def allowed_hosts(setting: str, bound_address: str) -> AllowedHosts | None:
    """The allowed names of a listener; None if any is, which is so on a network address while no names are set."""
    names = frozenset(name.strip().lower() for name in setting.split(",") if name.strip())
    address = ipaddress.ip_address(bound_address.partition("%")[0])
    if not names and not address.is_loopback:
        return None
    return AllowedHosts(names | {f"[{address}]" if address.version == 6 else str(address)})  # noqa: PLR2004 - IPv6
