"""The run's PostgreSQL and Redis behind TCP proxies, each with settings that lead through its proxy."""

import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit

from msgspec.structs import replace
from psycopg import conninfo

from infra.settings import Settings
from tests.tcp_proxy import TcpProxy


@contextlib.contextmanager
def proxied_postgres(settings: Settings) -> Iterator[tuple[TcpProxy, Settings]]:
    """The database of a test behind a proxy; migrations go past it."""
    parts = conninfo.conninfo_to_dict(settings.database_url)
    with TcpProxy.in_front_of(str(parts["host"]), int(parts["port"] or 5432)) as proxy:
        url = conninfo.make_conninfo(settings.database_url, host="127.0.0.1", port=proxy.port)
        yield proxy, replace(settings, database_url=url)


@contextlib.contextmanager
def proxied_redis(settings: Settings) -> Iterator[tuple[TcpProxy, Settings]]:
    """The cache behind a proxy."""
    with _proxied(settings.redis_url) as (proxy, url):
        yield proxy, replace(settings, redis_url=url)


@contextlib.contextmanager
def proxied_broker(settings: Settings) -> Iterator[tuple[TcpProxy, Settings]]:
    """The broker behind a proxy."""
    with _proxied(settings.broker_url) as (proxy, url):
        yield proxy, replace(settings, broker_url=url)


@contextlib.contextmanager
def _proxied(url: str) -> Iterator[tuple[TcpProxy, str]]:
    parts = urlsplit(url)
    with TcpProxy.in_front_of(str(parts.hostname), int(parts.port or 6379)) as proxy:
        credentials = parts.netloc.rpartition("@")[0]
        yield proxy, parts._replace(netloc=f"{credentials}@127.0.0.1:{proxy.port}".lstrip("@")).geturl()
