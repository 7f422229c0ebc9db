"""Proxies: which of them are believed when they say whom they speak for."""

import ipaddress
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network


class TrustedProxyList:
    """Addresses and networks of an operator's own proxies, with commas between them; raises ValueError for others."""

    def __init__(self, networks: str = "") -> None:
        self._trusted: list[Network] = [ipaddress.ip_network(one.strip()) for one in networks.split(",") if one.strip()]

    def client_address(self, peer: str, forwarded_for: Iterable[str]) -> str:
        """Where a request comes from: the socket's peer, or whom it was forwarded for, as far as proxies are trusted.

        `forwarded` are the lines of X-Forwarded-For. Each proxy adds whom it heard, so the last one that is not
        trusted is the first whose word is not taken; what stands before it anybody can write.
        """
        address = peer
        hops = [one for line in forwarded_for for one in line.split(",")] if self._trusted else []
        while hops and self.is_trusted(address):
            previous = _parse_address(hops.pop())
            if previous is None:
                break
            address = str(previous)
        return address

    def is_trusted(self, address: str) -> bool:
        """Whether this is the address of a trusted proxy."""
        parsed = _parse_address(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


def _parse_address(text: str) -> Address | None:
    """An address, with a port or without."""
    text = text.strip()
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return None
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed
