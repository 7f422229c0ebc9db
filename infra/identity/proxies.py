"""Proxies: which of them are believed when they say whom they speak for."""

import ipaddress
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network


class Proxies:
    """Addresses and networks of an operator's own proxies, with commas between them; raises ValueError for others."""

    def __init__(self, said: str = "") -> None:
        self._trusted: list[Network] = [ipaddress.ip_network(one.strip()) for one in said.split(",") if one.strip()]

    def origin(self, peer: str, forwarded: Iterable[str]) -> str:
        """Where a request comes from: the socket's peer, or whom it was forwarded for, as far as proxies are trusted.

        `forwarded` are the lines of X-Forwarded-For. Each proxy adds whom it heard, so the last one that is not
        trusted is the first whose word is not taken; what stands before it anybody can write.
        """
        found = peer
        heard = [one for line in forwarded for one in line.split(",")] if self._trusted else []
        while heard and self._trusts(found):
            before = _address(heard.pop())
            if before is None:
                break
            found = str(before)
        return found

    def _trusts(self, address: str) -> bool:
        found = _address(address)
        return found is not None and any(found in network for network in self._trusted)


def _address(said: str) -> Address | None:
    """An address, with a port or without."""
    said = said.strip()
    host = said[1:].partition("]")[0] if said.startswith("[") else said
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
