"""The embedded Valkey: the broker loses no message when killed, the cache evicts, and both need the password."""

import socket
from pathlib import Path

import pytest
import redis

from infra.embedded.valkey import CACHE_CONFIG, Valkey
from infra.processes import ports
from tests.infra.embedded.supervision import supervised

pytestmark = pytest.mark.slow


def test_the_killed_broker_loses_no_message(broker: Valkey) -> None:
    with supervised(broker) as ready:
        with redis.Redis.from_url(broker.url) as client:
            client.set("kept", "yes")
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        (first,) = ready()
        first.kill()
        first.wait()
        assert ready()[0].pid != first.pid
        with redis.Redis.from_url(broker.url) as client:
            assert client.get("kept") == b"yes"


@pytest.mark.parametrize("file", ["appendonly.aof.manifest", "appendonly.aof.1.incr.aof", "appendonly.aof.1.base.rdb"])
@pytest.mark.parametrize("content", [b"", b"nonsense" * 100])
def test_a_broker_whose_data_a_crash_broke_starts(file: str, content: bytes, broker: Valkey) -> None:
    with supervised(broker):
        pass
    broken = broker.folder / "appendonlydir" / file
    broken.write_bytes(content)
    with supervised(broker), redis.Redis.from_url(broker.url) as client:
        assert client.set("kept", "yes")
    aside = broker.folder / "appendonlydir.unreadable" / file
    assert not aside.exists() or aside.read_bytes() == content


def test_the_cache_evicts_when_full_and_is_not_persisted(tmp_path: Path) -> None:
    cache = Valkey("Cache", tmp_path / "cache", "secret", CACHE_CONFIG)
    with supervised(cache), redis.Redis.from_url(cache.url) as client:
        wanted = {"maxmemory": str(256 * 1024**2), "maxmemory-policy": "allkeys-lru", "appendonly": "no", "save": ""}
        assert client.config_get(*wanted) == wanted
        assert (cache.folder / "valkey.conf").stat().st_mode & 0o777 == 0o600


def test_valkey_requires_the_password(broker: Valkey) -> None:
    with supervised(broker), socket.create_connection((ports.LOOPBACK, broker.port)) as line:
        line.sendall(b"PING\r\n")
        assert line.recv(100).startswith(b"-NOAUTH")
