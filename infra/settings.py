"""Settings: from TASKLEDGER_ variables, files named by TASKLEDGER_..._FILE, or the instance in the data directory."""

import os
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
import psycopg
from msgspec import Meta
from psycopg import conninfo

from infra.errors import OperatorError
from infra.identity.trusted_proxies import TrustedProxyList
from infra.processes import data_directory
from infra.processes.data_directory import ADDRESS_KEY_NAME, JWT_KEY_NAME, PREVIOUS_JWT_KEY_NAME

ENVIRONMENT_PREFIX = "TASKLEDGER_"
DEFAULT_BLOBS = "blobs"
"""A folder in the data directory."""

PostgresUrl = Annotated[
    str, Meta(pattern=r"^postgres(ql)?://", description="postgresql://user:password@host:5432/name")
]
RedisUrl = Annotated[str, Meta(pattern=r"^(rediss?|unix)://", description="redis://:password@host:6379/0")]
MailUrl = Annotated[
    str, Meta(pattern=r"^(|smtps?://[^/]+)$", description="smtp://user:password@host:587, or smtps:// and port 465")
]
MailAddress = Annotated[str, Meta(pattern=r"^[^\s@]+@[^\s@]+$", description="the address that mail comes from")]
_PROXIES_DESCRIPTION = "addresses and networks of your proxies, as in 10.0.0.2,192.168.0.0/16"
TrustedProxies = Annotated[str, Meta(description=_PROXIES_DESCRIPTION)]
_ORIGIN = r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?"
CorsOrigins = Annotated[
    str,
    Meta(
        pattern=rf"^({_ORIGIN}( *, *{_ORIGIN})*)?$",
        description="exact origins of web pages, as in https://app.example.com,http://localhost:5173",
    ),
]
_HOST = r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"
Hosts = Annotated[
    str,
    Meta(
        pattern=rf"^({_HOST}( *, *{_HOST})*)?$",
        description="names without ports that clients address this server by, as in tasks.example.com,[2001:db8::7]",
    ),
]
_METRICS_PORT_DESCRIPTION = "a port, for metrics alone and without a token; 0 picks a free one"
MetricsPort = Annotated[Annotated[int, Meta(ge=0, le=65535)] | None, Meta(description=_METRICS_PORT_DESCRIPTION)]
MIN_KEY_LENGTH = 32
SigningKey = Annotated[
    str, Meta(min_length=MIN_KEY_LENGTH, description="at least 32 characters, as `openssl rand -hex 32` makes them")
]

VerificationKey = Annotated[
    str,
    Meta(min_length=MIN_KEY_LENGTH, description="a second key of at least 32 characters, which signs nothing"),
]
AddressKey = Annotated[
    str,
    Meta(min_length=MIN_KEY_LENGTH, description="a third key of at least 32 characters, which never changes"),
]

BlobsUrl = Annotated[
    str,
    Meta(
        pattern=r"^(/.*|s3://[^/]+(/.*)?)$",
        description="an absolute path of a folder, or s3://bucket/prefix with AWS_ variables for the rest",
    ),
]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting; a description in its type is what an operator reads when the value is invalid."""

    database_url: PostgresUrl
    migration_url: PostgresUrl  # the owner's; the same unless named
    redis_url: RedisUrl  # the cache
    broker_url: RedisUrl
    blobs: BlobsUrl  # the bytes of attachments; the folder `blobs` of the instance unless named
    data: Annotated[str, Meta(description="the folder of the instance")] = ""  # for the health of its disk
    jwt_key: SigningKey = ""  # signs access tokens
    jwt_previous_key: VerificationKey = ""  # verifies them too: the key before, or the next one
    address_key: AddressKey = ""  # hides the addresses that users reserve
    partitions: Annotated[int, Meta(ge=1, le=64, description="a number from 1 to 64")] = 1  # of each projection
    trash_days: Annotated[int, Meta(ge=1, le=3650, description="a number from 1 to 3650")] = 30  # until a purge
    attachment_mib: Annotated[int, Meta(ge=1, le=10_240, description="a number from 1 to 10240")] = 100  # of one file
    environment: Annotated[Literal["development", "production"], Meta(description="development or production")] = (
        "development"
    )
    registration: Annotated[Literal["open", "closed"], Meta(description="open or closed")] = "open"
    mail_url: MailUrl = ""
    mail_from: MailAddress = "taskledger@localhost"
    trusted_proxies: TrustedProxies = ""
    hosts: Hosts = ""
    cors_origins: CorsOrigins = ""
    metrics_port: MetricsPort = None
    metrics_host: Annotated[str, Meta(min_length=1, description="the address that the metrics port is opened on")] = (
        "127.0.0.1"
    )
    rate_limits: Annotated[Literal["on", "off"], Meta(description="on or off")] = "on"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="debug, info, warning or error")
    ] = "info"

    @property
    def jwt_keys(self) -> tuple[str, ...]:
        """The signing key, and the other one that access tokens may still be signed with."""
        return tuple(key for key in (self.jwt_key, self.jwt_previous_key) if key)


def resolve(data_dir: Path, *, needs_signing_key: bool = False, needs_address_key: bool = False) -> Settings:
    """The settings: from the environment and, where it is silent, from the instance that runs in `data_dir`.

    Raises OperatorError if a server is named by neither. Only processes that sign tokens need the signing key, and only
    those that look for users by their addresses need the address key.
    """
    values = from_environment()
    if missing := {"database_url", "redis_url", "broker_url"} - values.keys():
        instance_run = data_directory.find_running(data_dir)
        variables = ", ".join(sorted(ENVIRONMENT_PREFIX + name.upper() for name in missing))
        if instance_run is None:
            raise OperatorError(
                f"No Taskledger runs in {data_dir}: start it with `taskledger serve --data {data_dir}`, "
                f"or name servers with {variables}."
            )
        own_values = {name: getattr(instance_run, name) for name in missing}
        if not all(own_values.values()):
            raise OperatorError(
                f"The Taskledger in {data_dir} runs on servers of your own: name them with {variables}."
            )
        if "database_url" in missing and instance_run.migration_url:
            own_values["migration_url"] = instance_run.migration_url
        values = own_values | values
    if needs_signing_key and "jwt_key" not in values:
        values = instance_signing_keys(data_dir) | values
    if (needs_signing_key or needs_address_key) and "address_key" not in values:
        values["address_key"] = instance_address_key(data_dir)
    values["data"] = str(data_dir)
    values.setdefault("blobs", str(data_dir.absolute() / DEFAULT_BLOBS))
    return msgspec.convert({"migration_url": values["database_url"], **values}, Settings, strict=False)


def without_instance() -> Settings:
    """The settings of the environment alone, with empty URLs for servers that it does not name."""
    empty = {"database_url": "postgresql://", "redis_url": "redis://", "broker_url": "redis://", "blobs": "/"}
    values = {**empty, **from_environment()}
    return msgspec.convert({"migration_url": values["database_url"], **values}, Settings, strict=False)


def from_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The values that the environment sets, by field; raises OperatorError, which names the variable, not its value."""
    types = typing.get_type_hints(Settings, include_extras=True)
    raw_values = {field: _read_variable(environ, ENVIRONMENT_PREFIX + field.upper()) for field in types}
    values = {field: value for field, value in raw_values.items() if value}
    for field, value in values.items():
        try:
            msgspec.convert(value, types[field], strict=False)
            if types[field] is TrustedProxies:
                TrustedProxyList(value)
            elif types[field] is PostgresUrl:
                _require_postgres_ports(value)
            elif field.endswith("_url"):
                urlsplit(value).port  # noqa: B018 - raises ValueError for no port
        except ValueError:  # a ValidationError is one
            expected = types[field].__metadata__[0].description
            raise OperatorError(f"{ENVIRONMENT_PREFIX}{field.upper()} must be {expected}.") from None
    return values


def _require_postgres_ports(url: str) -> None:
    """Raise ValueError unless the URL can be read, and its ports exist; it may name several hosts."""
    try:
        ports = conninfo.conninfo_to_dict(url).get("port") or ""
    except psycopg.ProgrammingError as error:
        raise ValueError from error
    for port in filter(None, str(ports).split(",")):
        msgspec.convert(port, Annotated[int, Meta(ge=1, le=65535)], strict=False)


def metrics_address(environ: Mapping[str, str] = os.environ) -> tuple[str, int] | None:
    """Host and port of the metrics, before there are complete settings; None without a port of their own."""
    values = from_environment(environ)
    if "metrics_port" not in values:
        return None
    defaults = {field.name: field.default for field in msgspec.structs.fields(Settings)}
    return values.get("metrics_host", defaults["metrics_host"]), int(values["metrics_port"])


def _read_variable(environ: Mapping[str, str], variable: str) -> str:
    """The value of a variable or of its file; empty counts as unset, because compose files set empty variables."""
    value, path = environ.get(variable, ""), environ.get(f"{variable}_FILE", "")
    if value and path:
        raise OperatorError(f"{variable} and {variable}_FILE are both set: keep one.")
    if not path:
        return value
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{variable}_FILE names {path}, which cannot be read: {error}.") from error


def instance_signing_keys(data_dir: Path) -> dict[str, str]:
    """The instance's signing key and, once it was rotated, the previous one; raises OperatorError for a damaged one."""
    if not data_directory.has_secret(data_dir, JWT_KEY_NAME):
        raise OperatorError(
            f"No signing key: set {ENVIRONMENT_PREFIX}JWT_KEY to 32 random characters or more (`openssl rand -hex 32`)."
        )
    keys = {"jwt_key": _read_key(data_dir, JWT_KEY_NAME, "`taskledger serve` makes a new one")}
    if data_directory.has_secret(data_dir, PREVIOUS_JWT_KEY_NAME):
        remedy = "sessions go on with their refresh tokens"
        keys["jwt_previous_key"] = _read_key(data_dir, PREVIOUS_JWT_KEY_NAME, remedy)
    return keys


def signing_key_variables(data_dir: Path) -> dict[str, str]:
    """The keys as variables for a child process, which then reads no file: others of the instance may be new.

    Raises what `from_environment` and `instance_signing_keys` raise.
    """
    keys = from_environment()
    if "jwt_key" not in keys:
        keys = instance_signing_keys(data_dir) | keys
    return {
        variable: value
        for field in ("jwt_key", "jwt_previous_key")
        for name in (ENVIRONMENT_PREFIX + field.upper(),)
        for variable, value in ((name, keys.get(field, "")), (f"{name}_FILE", ""))
    }


def instance_address_key(data_dir: Path) -> str:
    """The instance's key for addresses; raises OperatorError for a missing or damaged one."""
    if not data_directory.has_secret(data_dir, ADDRESS_KEY_NAME):
        raise OperatorError(
            f"No address key: set {ENVIRONMENT_PREFIX}ADDRESS_KEY to 32 random characters or more "
            "(`openssl rand -hex 32`), and never change it."
        )
    key = data_directory.read_secret(data_dir, ADDRESS_KEY_NAME)
    if len(key) < MIN_KEY_LENGTH:
        raise OperatorError(f"{data_dir}/secrets/{ADDRESS_KEY_NAME} is damaged: restore it from a backup.")
    return key


def find_instance_address_key(data_dir: Path) -> str:
    """The instance's key for addresses; empty if it has none. Raises OperatorError for a damaged one."""
    return instance_address_key(data_dir) if data_directory.has_secret(data_dir, ADDRESS_KEY_NAME) else ""


def _read_key(data_dir: Path, name: str, without_it: str) -> str:
    key = data_directory.read_secret(data_dir, name)
    if len(key) < MIN_KEY_LENGTH:
        raise OperatorError(f"{data_dir}/secrets/{name} is damaged: remove it, and {without_it}.")
    return key
