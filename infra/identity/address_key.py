"""The key of e-mail addresses: a database notes which one its addresses were reserved under."""

from hmac import digest as hmac

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from infra.errors import OperatorError

_KEEP_FINGERPRINT_SQL = "insert into auth.address_key (fingerprint) values (%s) on conflict do nothing"
_FINGERPRINT_SQL = "select fingerprint from auth.address_key"


def noted_key_is(connection: Connection[TupleRow], key: str) -> bool | None:
    """Whether this database's addresses were reserved under this key; None if no key is noted yet."""
    try:
        noted = connection.execute(_FINGERPRINT_SQL).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    return bytes(noted[0]) == _fingerprint(key) if noted else None


def require_same_key(connection: Connection[TupleRow], key: str) -> None:
    """Raise OperatorError if this database's addresses were reserved under another key; the first key is noted."""
    try:
        connection.execute(_KEEP_FINGERPRINT_SQL, (_fingerprint(key),))
    except psycopg.errors.UndefinedTable:
        return  # not migrated yet, which is reported elsewhere
    if noted_key_is(connection, key) is False:
        raise OperatorError(
            "The addresses in this database were reserved under another key: restore TASKLEDGER_ADDRESS_KEY, "
            "or secrets/address-key, from a backup. Without it no user can log in."
        )


def _fingerprint(key: str) -> bytes:
    return hmac(key.encode(), b"fingerprint", "sha256")
