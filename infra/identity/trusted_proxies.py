"""Trusted proxies: those whose X-Forwarded-For header is used to find the client's address."""

import ipaddress
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network


class TrustedProxyList:
    """The operator's own proxies: addresses and networks, separated by commas. Raises ValueError for anything else."""

    def __init__(self, networks: str = "") -> None:
        self._trusted: list[Network] = [ipaddress.ip_network(one.strip()) for one in networks.split(",") if one.strip()]

    @property
    def is_empty(self) -> bool:
        """Whether no proxy is trusted, so that the address is always the socket's."""
        return not self._trusted

    def client_address(self, peer: str, forwarded_for: Iterable[str]) -> str:
        """The address of the client: the socket's peer, or the address that trusted proxies forwarded for.

        `forwarded_for` holds the lines of X-Forwarded-For. Each proxy appends the address of its own peer. So the last
        address that is not a trusted proxy is the client; any client can forge the entries before it.
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
    """Parse an address, with or without a port; None if it is not valid."""
    text = text.strip()
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return None
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed
