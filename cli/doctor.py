"""`taskledger doctor`: what is reachable, which versions, what is misconfigured."""

import platform
import smtplib
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import click
import psycopg
import redis
from msgspec import Struct

from cli import options
from cli.opened import address, database
from infra import settings
from infra.delivery.mail import Mailer
from infra.errors import OperatorError
from infra.schema import grants, migrate
from infra.settings import Settings
from projections.engine import status


class Finding(Struct, frozen=True):
    """One thing looked at: well, to be known, or wrong."""

    mark: str
    what: str
    said: str


OLDEST_POSTGRES = 15
PARKED = "`taskledger projections parked` says why"
UNRESTRICTED = (
    "is not restricted, it can rewrite the log: leave that to TASKLEDGER_MIGRATION_URL, name another role in "
    "TASKLEDGER_DATABASE_URL, and run `taskledger migrate`"
)


@click.command
@options.data
def command(data: Path) -> None:
    """Look at everything that Taskledger needs; exit with 1 if anything is wrong."""
    found = settings.resolve(data)
    click.echo(f"  taskledger   {version('taskledger')} on Python {platform.python_version()}")
    findings = [finding for check in CHECKS for finding in _safely(check, found)]
    for finding in findings:
        click.echo(f"{finding.mark} {finding.what:<12} {finding.said}")
    if any(finding.mark == "✗" for finding in findings):
        raise SystemExit(1)


def _postgres(found: Settings) -> Iterator[Finding]:
    with database(found.database_url) as connection:
        number = connection.info.server_version // 10_000
        said = f"{number} at {address(found.database_url)}"
        old = number < OLDEST_POSTGRES
        yield (
            Finding("✗", "PostgreSQL", f"{said}: {OLDEST_POSTGRES} or later is needed")
            if old
            else well("PostgreSQL", said)
        )
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            (value,) = connection.execute("select current_setting(%s)", (name,)).fetchone() or ("?",)
            if value != "on":
                yield Finding(
                    "✗", "durability", f"{name} is {value}: an acknowledged change could be lost; set it to on"
                )


def _role(found: Settings) -> Iterator[Finding]:
    with database(found.database_url) as connection:
        name, direct = grants.direct_write_access(connection)
    said = f"{name} {UNRESTRICTED if direct else 'can only append to the log'}"
    if direct is not None:
        yield Finding("!", "role", said) if direct else well("role", said)


def _migrations(found: Settings) -> Iterator[Finding]:
    with database(found.database_url):
        missing = migrate.pending_migrations(found.database_url)
    said = f"missing {', '.join(missing)}: run `taskledger migrate`" if missing else "up to date"
    yield Finding("✗", "migrations", said) if missing else well("migrations", said)


def _projections(found: Settings) -> Iterator[Finding]:
    with database(found.database_url) as connection:
        for one in status.fetch_statuses(connection):
            said = {
                "missing": f"{one.name} has not been folded: run `taskledger migrate`, or wait for a worker to do it",
                "behind": f"{one.name} is {one.lag_events} events behind: is a worker running?",
            }.get(one.state)
            yield Finding("!", "projection", said) if said else well("projection", f"{one.name} is up to date")
            if one.parked:
                yield Finding("!", "projection", f"{one.name} has parked {one.parked} documents: {PARKED}")


def _caches(found: Settings) -> Iterator[Finding]:
    yield _redis("cache", found.redis_url, policy="allkeys-lru")
    yield _redis("broker", found.broker_url, policy="noeviction")
    if found.redis_url == found.broker_url:
        yield Finding("!", "broker", "is the cache too: a cache may evict, a broker may not; use two servers")


def _redis(what: str, url: str, policy: str) -> Finding:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2) as client:
            about = client.info()
    except redis.RedisError as error:
        return Finding("✗", what, f"does not answer: {error}")
    said = f"{about.get('server_name', 'redis')} {about.get('valkey_version') or about['redis_version']}"
    evicts = about.get("maxmemory_policy")
    if evicts == policy:
        return well(what, said)
    return Finding("!", what, f"{said}: maxmemory-policy is {evicts}, should be {policy}")


def _mail(found: Settings) -> Iterator[Finding]:
    if not found.mail_url:
        is_needed = found.environment == "production"
        said = "no server (TASKLEDGER_MAIL_URL): "
        yield (
            Finding("!", "mail", said + "nobody can be invited")
            if is_needed
            else well("mail", said + "invitations are printed where the API runs")
        )
        return
    try:
        Mailer(found).check_connection()
    except (OSError, smtplib.SMTPException) as error:
        yield Finding("✗", "mail", f"the server does not take us: {error}")
    else:
        yield well("mail", f"the server answers, as {found.mail_from}")


def well(what: str, said: str) -> Finding:
    """Nothing to be done here."""
    return Finding("✓", what, said)


def _safely(check: Callable[[Settings], Iterator[Finding]], found: Settings) -> Iterator[Finding]:
    try:
        yield from check(found)
    except (OperatorError, psycopg.Error) as error:
        yield Finding("✗", check.__name__.strip("_"), str(error).strip().partition("\n")[0])


CHECKS = [_postgres, _role, _migrations, _projections, _caches, _mail]
