"""`taskledger doctor`: checks that every server is reachable, recent enough and configured correctly."""

import platform
import smtplib
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

import click
import psycopg
import redis
from msgspec import Struct

from cli import options
from cli.database import database_connection, host_and_port
from cli.output import print_line
from infra import production, settings
from infra.blobs.open_store import open_blob_store
from infra.delivery.mailer import Mailer
from infra.errors import OperatorError
from infra.identity.address_key import noted_key_is
from infra.rebuilding import projection_status
from infra.schema import grants, pending
from infra.settings import ENVIRONMENT_PREFIX, Settings


class Finding(Struct, frozen=True):
    """The result of one check; `symbol` is ✓ (good), ! (a warning) or ✗ (a fault)."""

    symbol: str
    subject: str
    message: str


MIN_POSTGRES_VERSION = 15
NEW_ADDRESS_KEY_ADVICE = "set it to 32 random characters or more (`openssl rand -hex 32`), and never change it"
RESTORED_ADDRESS_KEY_ADVICE = "restore the key that users registered under, or none of them can log in"
PARKED_ADVICE = "`taskledger projections parked` shows the errors"


@click.command
@options.data_option
def command(data: Path) -> None:
    """Check everything that Taskledger needs; exit with 1 if anything is wrong."""
    print_line(f"  taskledger   {version('taskledger')} on Python {platform.python_version()}")
    try:
        app_settings = settings.resolve(data)
    except OperatorError:
        _print_findings(_production(settings.without_instance()))  # which may be why it does not run
        raise
    findings = [finding for check in CHECKS for finding in _run_check(check, app_settings)]
    _print_findings(findings)
    if any(finding.symbol == "✗" for finding in findings):
        raise SystemExit(1)


def _print_findings(findings: Iterable[Finding]) -> None:
    for finding in findings:
        print_line(f"{finding.symbol} {finding.subject:<12} {finding.message}")


def _postgres(app_settings: Settings) -> Iterator[Finding]:
    with database_connection(app_settings.database_url) as connection:
        major_version = connection.info.server_version // 10_000
        message = f"{major_version} at {host_and_port(app_settings.database_url)}"
        is_too_old = major_version < MIN_POSTGRES_VERSION
        yield (
            Finding("✗", "PostgreSQL", f"{message}: {MIN_POSTGRES_VERSION} or later is needed")
            if is_too_old
            else ok_finding("PostgreSQL", message)
        )
        for fault in production.durability_faults(connection):
            yield Finding("✗", "durability", fault)


def _role(app_settings: Settings) -> Iterator[Finding]:
    with database_connection(app_settings.database_url) as connection:
        name, is_unrestricted = grants.direct_write_access(connection)
        fault = production.role_fault(connection)
    if fault:
        yield Finding("✗" if app_settings.environment == "production" else "!", "role", fault)
    elif is_unrestricted is not None:
        yield ok_finding("role", f"{name} can only append to the log")


def _address_key(app_settings: Settings) -> Iterator[Finding]:
    """Of an instance with its own servers, the key that it made; else the one in the environment."""
    key = app_settings.address_key or settings.find_instance_address_key(Path(app_settings.data))
    with database_connection(app_settings.database_url) as connection:
        is_noted_one = noted_key_is(connection, key)
    if key and is_noted_one is not False:
        message = "is the one that users registered under" if is_noted_one else "is set"
        yield ok_finding("address key", message)
        return
    fault = f"{ENVIRONMENT_PREFIX}ADDRESS_KEY {'is another one' if key else 'is not set'}"
    remedy = NEW_ADDRESS_KEY_ADVICE if is_noted_one is None else RESTORED_ADDRESS_KEY_ADVICE
    yield Finding("✗", "address key", f"{fault}: {remedy}")


def _production(app_settings: Settings) -> Iterator[Finding]:
    if app_settings.environment == "production":
        for fault in production.configuration_faults(app_settings):
            yield Finding("✗", "production", fault)


def _migrations(app_settings: Settings) -> Iterator[Finding]:
    with database_connection(app_settings.database_url):
        missing = pending.fetch_pending_migrations(app_settings.database_url)
    message = f"missing {', '.join(missing)}: run `taskledger migrate`" if missing else "up to date"
    yield Finding("✗", "migrations", message) if missing else ok_finding("migrations", message)


def _projections(app_settings: Settings) -> Iterator[Finding]:
    with database_connection(app_settings.database_url) as connection:
        for found in projection_status.fetch_statuses(connection):
            message = {
                "missing": f"{found.name} is not built yet: run `taskledger migrate`, or wait for a worker",
                "behind": f"{found.name} is {found.lag_events} events behind: is a worker running?",
            }.get(found.state)
            yield (
                Finding("!", "projection", message)
                if message
                else ok_finding("projection", f"{found.name} is up to date")
            )
            if found.parked:
                yield Finding(
                    "!",
                    "projection",
                    f"{found.name} has parked {found.parked} documents: {PARKED_ADVICE}",
                )


def _caches(app_settings: Settings) -> Iterator[Finding]:
    yield _check_redis("cache", app_settings.redis_url, eviction_policy="allkeys-lru")
    yield _check_redis("broker", app_settings.broker_url, eviction_policy="noeviction")
    if app_settings.redis_url == app_settings.broker_url:
        yield Finding(
            "!", "broker", "is the same server as the cache: a cache may evict keys, a broker must not; use two servers"
        )


def _check_redis(subject: str, url: str, eviction_policy: str) -> Finding:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2) as client:
            server_info = client.info()
    except redis.RedisError as error:
        return Finding("✗", subject, f"does not answer: {error}")
    message = (
        f"{server_info.get('server_name', 'redis')} {server_info.get('valkey_version') or server_info['redis_version']}"
    )
    actual_policy = server_info.get("maxmemory_policy")
    if actual_policy == eviction_policy:
        return ok_finding(subject, message)
    return Finding("!", subject, f"{message}: maxmemory-policy is {actual_policy}, should be {eviction_policy}")


def _attachments(app_settings: Settings) -> Iterator[Finding]:
    open_blob_store(app_settings.blobs).check()
    yield ok_finding("attachments", f"can be stored in {app_settings.blobs}")


def _mail(app_settings: Settings) -> Iterator[Finding]:
    if not app_settings.mail_url:
        is_needed = app_settings.environment == "production"
        message = "no server (TASKLEDGER_MAIL_URL): "
        yield (
            Finding("!", "mail", message + "users cannot be invited, nor reset a forgotten password")
            if is_needed
            else ok_finding("mail", message + "invitations are printed in the output of the API")
        )
        return
    try:
        Mailer(app_settings).check_connection()
    except (OSError, smtplib.SMTPException) as error:
        yield Finding("✗", "mail", f"the server does not accept our connection: {error}")
    else:
        yield ok_finding("mail", f"the server answers; messages are sent from {app_settings.mail_from}")


def ok_finding(subject: str, message: str) -> Finding:
    """A check that passed."""
    return Finding("✓", subject, message)


def _run_check(check: Callable[[Settings], Iterator[Finding]], app_settings: Settings) -> Iterator[Finding]:
    try:
        yield from check(app_settings)
    except (OperatorError, psycopg.Error) as error:
        yield Finding("✗", check.__name__.strip("_"), str(error).strip().partition("\n")[0])


CHECKS = [_production, _postgres, _role, _address_key, _migrations, _projections, _caches, _attachments, _mail]
