"""Which proxies are trusted, and which headers of theirs."""

import pytest

from infra.identity.trusted_proxies import TrustedProxyList

TRUSTED = "10.0.0.0/8, 192.0.2.1,2001:db8::/32"


@pytest.mark.parametrize(
    ("peer", "forwarded", "origin"),
    [
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7, 192.0.2.1,10.9.9.9"], "203.0.113.7"),
        ("::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("2001:db8::1", ["2a00::1"], "2a00::1"),
        ("10.0.0.1", ["203.0.113.7:4711"], "203.0.113.7"),
        ("10.0.0.1", ["[2a00::1]:4711"], "2a00::1"),
        ("10.0.0.1", ["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["", " , "], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7, unknown, 10.0.0.2"], "10.0.0.2"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("a socket", ["198.51.100.1"], "a socket"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_the_client_is_the_last_untrusted_address(peer: str, forwarded: list[str], origin: str) -> None:
    assert TrustedProxyList(TRUSTED).client_address(peer, forwarded) == origin


def test_where_no_proxy_is_trusted_no_header_is_read() -> None:
    assert TrustedProxyList().client_address("127.0.0.1", ["203.0.113.7"]) == "127.0.0.1"


@pytest.mark.parametrize("network", ["localhost", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.1;10.0.0.2", "*"])
def test_an_invalid_network_is_refused(network: str) -> None:
    with pytest.raises(ValueError, match=r"does not appear|has host bits"):
        TrustedProxyList(network)
