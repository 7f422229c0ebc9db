"""Hosts: a server answers to its own names only, so that no stranger's page can reach it under another."""

import pytest
from msgspec.structs import replace

from api.connections.allowed_hosts import AllowedHosts, allowed_hosts
from api.connections.problems import UNKNOWN_HOST
from infra.settings import Settings
from tests.api.connections.raw_http import raw_client, raw_server, read_response, refusal_of
from tests.api.running_server import running_server
from tests.law import planted_defect

pytestmark = pytest.mark.slow

OWN = ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "[::1]", "localhost.", "localhost:"]
NAMED = ["tasks.example.com", "Tasks.Example.COM:443", "tasks.example.com.", "[2001:db8::7]:8000"]
FOREIGN = [
    "evil.com",
    "localhost.evil.com",
    "evil.com:8000",
    "tasks.example.com.evil.com",
    "xtasks.example.com",
    "127.0.0.1.evil.com",
    "127.0.0.1:8000:8000",
    "localhost@evil.com",
    "127.0.0.2",
    "[::2]",
    "[::1",
    "::1",
    ":8000",
    "",
    "..",
    "localhost evil.com",
]
SETTING = "tasks.example.com, [2001:DB8::7]"


def request(host: str, path: str = "/") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def foreign_hosts_are_refused(hosts: AllowedHosts) -> None:
    assert not [host for host in [*FOREIGN, *FOREIGN] if host.encode() in hosts]


@pytest.mark.parametrize(("setting", "address"), [("", "127.0.0.1"), (SETTING, "127.0.0.1"), (SETTING, "0.0.0.0")])  # noqa: S104 - only parsed
def test_own_and_named_hosts_are_allowed_and_no_others(setting: str, address: str) -> None:
    hosts = allowed_hosts(setting, address)
    assert hosts is not None
    assert all(host.encode() in hosts for host in OWN * 2)
    assert [host.encode() in hosts for host in NAMED] == [bool(setting)] * len(NAMED)
    foreign_hosts_are_refused(hosts)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.7"])  # noqa: S104 - only parsed
def test_on_a_network_address_any_host_is_allowed_unless_some_are_named(address: str) -> None:
    assert allowed_hosts("", address) is None
    assert allowed_hosts("tasks.example.com", address) is not None


@pytest.mark.parametrize(
    ("address", "host"), [("127.0.0.2", "127.0.0.2:80"), ("192.0.2.7", "192.0.2.7"), ("::1", "[::1]")]
)
def test_the_address_of_the_listener_is_a_name_too(address: str, host: str) -> None:
    hosts = allowed_hosts("x", address)
    assert hosts is not None
    assert host.encode() in hosts


def test_names_compared_by_their_beginning_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AllowedHosts, "__contains__", lambda _, host: host.lower().startswith((b"localhost", b"127.")))
    with planted_defect(), pytest.raises(AssertionError):
        foreign_hosts_are_refused(AllowedHosts(frozenset()))


def test_a_foreign_host_gets_421_and_no_answer_but_health(settings: Settings) -> None:
    with running_server(settings) as (_, url):
        port = int(url.split(":")[2].partition("/")[0])
        assert refusal_of(port, request("evil.com")) == (421, UNKNOWN_HOST.code)
        assert refusal_of(port, request("evil.com", "/openapi.json")) == (421, UNKNOWN_HOST.code)
        for host, path, status in (("10.0.0.7", "/health/live", 200), ("localhost", "/nothing", 404)):
            with raw_client(port) as client:
                client.sendall(request(host, path))
                assert read_response(client)[0] == status
    with (
        running_server(replace(settings, hosts="evil.com")) as (_, url),
        raw_client(int(url.split(":")[2][:-7])) as client,
    ):
        client.sendall(request("evil.com", "/nothing"))
        assert read_response(client)[0] == 404


def test_a_listener_without_names_accepts_any_host() -> None:
    with raw_server(hosts_by_port={1: AllowedHosts(frozenset())}) as port, raw_client(port) as client:
        client.sendall(request("evil.com"))
        assert read_response(client)[0] == 200
