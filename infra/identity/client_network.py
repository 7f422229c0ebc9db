"""The network of a client: what is counted as one address."""

import ipaddress


def client_network(address: str) -> str:
    """IPv4 as it is, IPv6 by its /64, which one customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
