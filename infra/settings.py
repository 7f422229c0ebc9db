"""What an operator may set: TASKLEDGER_ variables, or files named by TASKLEDGER_..._FILE, beside the data directory."""

import os
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from infra.errors import OperatorError
from infra.identity.proxies import Proxies
from infra.processes import data_directory

PREFIX = "TASKLEDGER_"

PostgresUrl = Annotated[
    str, Meta(pattern=r"^postgres(ql)?://", description="postgresql://user:password@host:5432/name")
]
RedisUrl = Annotated[str, Meta(pattern=r"^(rediss?|unix)://", description="redis://:password@host:6379/0")]
MailUrl = Annotated[
    str, Meta(pattern=r"^(|smtps?://[^/]+)$", description="smtp://user:password@host:587, or smtps:// and port 465")
]
MailAddress = Annotated[str, Meta(pattern=r"^[^\s@]+@[^\s@]+$", description="the address that mail comes from")]
_NETWORKS = "addresses and networks of your proxies, as in 10.0.0.2,192.168.0.0/16"
TrustedProxies = Annotated[str, Meta(description=_NETWORKS)]
Key = Annotated[str, Meta(min_length=32, description="at least 32 characters, as `openssl rand -hex 32` makes them")]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting; a description in its type is what the operator is told when the value is wrong."""

    database_url: PostgresUrl
    migration_url: PostgresUrl  # the owner's; the same unless named
    redis_url: RedisUrl  # the cache
    broker_url: RedisUrl
    jwt_key: Key = ""
    partitions: Annotated[int, Meta(ge=1, le=64, description="a number from 1 to 64")] = 1  # of each projection
    trash_days: Annotated[int, Meta(ge=1, le=3650, description="a number from 1 to 3650")] = 30  # until a purge
    environment: Annotated[Literal["development", "production"], Meta(description="development or production")] = (
        "development"
    )
    registration: Annotated[Literal["open", "closed"], Meta(description="open or closed")] = "open"
    mail_url: MailUrl = ""
    mail_from: MailAddress = "taskledger@localhost"
    trusted_proxies: TrustedProxies = ""
    rate_limits: Annotated[Literal["on", "off"], Meta(description="on or off")] = "on"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="debug, info, warning or error")
    ] = "info"


def locate(data: Path, *, signing: bool = False) -> Settings:
    """The environment wins; what it does not name is what runs in `data`. OperatorError when nothing does.

    Only who signs tokens needs the key for it.
    """
    named = from_environment()
    if missing := {"database_url", "redis_url", "broker_url"} - named.keys():
        run = data_directory.running(data)
        variables = ", ".join(sorted(PREFIX + name.upper() for name in missing))
        if run is None:
            raise OperatorError(
                f"No Taskledger runs in {data}: start it with `taskledger serve --data {data}`, "
                f"or name servers with {variables}."
            )
        found = {name: getattr(run, name) for name in missing}
        if not all(found.values()):
            raise OperatorError(f"The Taskledger in {data} runs on servers of your own: name them with {variables}.")
        if "database_url" in missing and run.migration_url:
            found["migration_url"] = run.migration_url
        named = found | named
    if signing and "jwt_key" not in named:
        named |= {"jwt_key": _own_key(data)}
    return msgspec.convert({"migration_url": named["database_url"], **named}, Settings, strict=False)


def from_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What the environment names, by field; OperatorError tells the variable that is wrong, never its value."""
    types = typing.get_type_hints(Settings, include_extras=True)
    found = {field: _read(environ, PREFIX + field.upper()) for field in types}
    named = {field: value for field, value in found.items() if value}
    for field, value in named.items():
        try:
            msgspec.convert(value, types[field], strict=False)
            if types[field] is TrustedProxies:
                Proxies(value)
        except ValueError:  # a ValidationError is one
            wanted = types[field].__metadata__[0].description
            raise OperatorError(f"{PREFIX}{field.upper()} must be {wanted}.") from None
    return named


def _read(environ: Mapping[str, str], variable: str) -> str:
    """An empty variable is an unset one: compose files make them."""
    value, path = environ.get(variable, ""), environ.get(f"{variable}_FILE", "")
    if value and path:
        raise OperatorError(f"{variable} and {variable}_FILE are both set: keep one.")
    if not path:
        return value
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{variable}_FILE names {path}, which cannot be read: {error}.") from error


def _own_key(data: Path) -> str:
    if not (data / "secrets" / "jwt-key").exists():
        raise OperatorError(
            f"No signing key: set {PREFIX}JWT_KEY to at least 32 random characters (`openssl rand -hex 32`)."
        )
    return data_directory.secret(data, "jwt-key")
