"""Production: what an installation must have before it serves strangers, or its processes refuse to start."""

import itertools
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import Connection, conninfo
from psycopg.rows import TupleRow

from infra import settings
from infra.database.connections import connect
from infra.errors import OperatorError
from infra.logs import logger
from infra.schema import grants
from infra.settings import ENVIRONMENT_PREFIX, Settings

DURABILITY_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes")
PASSWORD_FIELDS = ("database_url", "migration_url", "redis_url", "broker_url")
UNRESTRICTED_ROLE_ADVICE = (
    "is not restricted and can rewrite the log: use it in TASKLEDGER_MIGRATION_URL only, name another role in "
    "TASKLEDGER_DATABASE_URL, and run `taskledger migrate`"
)
MIN_PASSWORD_LENGTH = 8
MIN_DISTINCT_CHARACTERS = 8
"""In a signing key. Of 32 random hexadecimal digits, fewer are distinct once in ten million keys."""
_WORDS_OF_EXAMPLES = re.compile(
    r"change.?me|secret|example|password|taskledger|your[-_ ]|default|test.?key", re.IGNORECASE
)
"""Long enough to be in no random key."""
_DEFAULT_PASSWORDS = {
    *("admin", "changeme", "default", "example", "guest", "letmein", "pass", "password", "postgres", "qwerty", "redis"),
    *("root", "secret", "taskledger", "taskledger_app", "test", "user", "valkey"),
}


def require_safe_api(app_settings: Settings) -> None:
    """Raise OperatorError, in production, unless an API process may start."""
    if app_settings.environment == "production":
        _refuse([*configuration_faults(app_settings), *_database_faults(app_settings.database_url)])


def require_safe_worker(app_settings: Settings) -> None:
    """Raise OperatorError, in production, unless a worker may start: it signs no tokens and registers no users."""
    if app_settings.environment == "production":
        _refuse([*_password_faults(app_settings), *_database_faults(app_settings.database_url)])


def require_explicit_registration() -> None:
    """Raise OperatorError if the environment says production, but nothing about registration."""
    if settings.from_environment().get("environment") == "production":
        _refuse(_registration_faults())


def configuration_faults(app_settings: Settings) -> Iterator[str]:
    """What the settings lack for production; a signing key only if there is one."""
    yield from _registration_faults()
    if app_settings.jwt_key and is_guessable_key(app_settings.jwt_key):
        yield "TASKLEDGER_JWT_KEY is an example or too regular (`openssl rand -hex 32` makes one)"
    if app_settings.address_key and is_guessable_key(app_settings.address_key):
        yield "TASKLEDGER_ADDRESS_KEY is an example or too regular (`openssl rand -hex 32` makes one)"
    yield from _password_faults(app_settings)


def durability_faults(connection: Connection[TupleRow]) -> Iterator[str]:
    """The settings of PostgreSQL with which a crash loses acknowledged changes."""
    for name in DURABILITY_SETTINGS:
        (value,) = connection.execute("select current_setting(%s)", (name,)).fetchone() or ("?",)
        if value == "off":
            yield f"{name} is off: an acknowledged change could be lost; set it to on"


def role_fault(connection: Connection[TupleRow]) -> str | None:
    """The fault of a role that can write the log directly."""
    role, is_unrestricted = grants.direct_write_access(connection)
    return f"{role} {UNRESTRICTED_ROLE_ADVICE}" if is_unrestricted else None


def is_guessable_key(key: str) -> bool:
    """Whether a signing key is an example, repeats itself, or counts up."""
    steps = [abs(ord(after) - ord(before)) for before, after in itertools.pairwise(key)]
    return bool(
        _WORDS_OF_EXAMPLES.search(key)
        or len(set(key)) < MIN_DISTINCT_CHARACTERS
        or any(key[period:] == key[:-period] for period in range(1, len(key) // 2 + 1))
        or steps.count(1) > len(steps) / 2
    )


def is_default_password(password: str, user: str) -> bool:
    """Whether a password is one of those in examples, its user's name, or short."""
    word = password.lower().rstrip("0123456789!.-_")
    return (
        len(password) < MIN_PASSWORD_LENGTH
        or word in _DEFAULT_PASSWORDS
        or password.lower() == user.lower()
        or (password.isdigit() and len(set(password)) < len(password))
    )


def _registration_faults() -> Iterator[str]:
    if "registration" not in settings.from_environment():
        yield "TASKLEDGER_REGISTRATION is not set: say open or closed"


def _password_faults(app_settings: Settings) -> Iterator[str]:
    for field in PASSWORD_FIELDS:
        user, password = _user_and_password(getattr(app_settings, field))
        if password and is_default_password(password, user):
            yield f"the password in {ENVIRONMENT_PREFIX}{field.upper()} is a default or too short"


def _user_and_password(url: str) -> tuple[str, str]:
    if url.startswith("postgres"):
        parts = conninfo.conninfo_to_dict(url)
        return str(parts.get("user") or ""), str(parts.get("password") or "")
    split = urlsplit(url)
    return unquote(split.username or ""), unquote(split.password or "")


def _database_faults(url: str) -> list[str]:
    """Empty, with a warning, while PostgreSQL does not answer: the process starts without it."""
    try:
        with connect(url) as connection:
            fault = role_fault(connection)
            return [*durability_faults(connection), *([fault] if fault else [])]
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())  # of several lines
        logger.warning("PostgreSQL does not answer, so it is not checked for production: {}", reason)
        return []


def _refuse(faults: Iterable[str]) -> None:
    if text := "; ".join(faults):
        raise OperatorError(f"Not safe for production: {text}.")
