"""Planted defects of the store: plausible mistakes in the log, its SQL and its pool."""

from collections.abc import Sequence
from itertools import count

import pytest
from psycopg_pool import AsyncConnectionPool

from commands.handling.append import Append, AppendResult
from infra.database.connections import connect
from infra.database.pool import Pool
from infra.log.event_log import EventLog

LOCK_SQL = "perform pg_advisory_xact_lock(7291402113004155);"
VERSION_CHECK_SQL = "present is distinct from bases"
KEY_LOOKUP_SQL = "on c.actor_id = actor_ids[used.entry] and c.key = used.key"
STORED_KEY_SQL = "on c.actor_id = actor_ids[i] and c.key = used.key"
COMMAND_LOOKUP_SQL = "and e.command_id = command_ids[i]"


def check_then_insert(url: str) -> None:
    """There is neither the lock nor the unique index."""
    positions_allocated_without_lock(url)
    with connect(url) as owner:
        owner.execute("alter table log.events drop constraint events_pkey")
        owner.execute("create index on log.events (originator_id, originator_version)")


def positions_allocated_without_lock(url: str) -> None:
    _replace_in_append_function(url, LOCK_SQL, "")


def append_without_version_check(url: str) -> None:
    """Only the index on versions is left."""
    _replace_in_append_function(url, VERSION_CHECK_SQL, "false")


def idempotency_keys_not_checked(url: str) -> None:
    """The unique index on keys is dropped, too."""
    with connect(url) as owner:
        owner.execute("alter table log.commands drop constraint commands_pkey")
    _replace_in_append_function(url, KEY_LOOKUP_SQL, f"{KEY_LOOKUP_SQL} where false")
    _replace_in_append_function(url, STORED_KEY_SQL, f"{STORED_KEY_SQL} and false")


def resent_group_not_recognised(url: str) -> None:
    idempotency_keys_not_checked(url)
    _replace_in_append_function(url, COMMAND_LOOKUP_SQL, f"{COMMAND_LOOKUP_SQL} and false")


def acknowledged_before_commit(patch: pytest.MonkeyPatch) -> None:
    """One append in twenty is acknowledged without being written."""
    append, calls = EventLog.append, count(1)

    async def hasty(log: EventLog, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        if next(calls) % 20:
            return await append(log, appends)
        head = await log.head()
        return [AppendResult(head + at) for at, _ in enumerate(appends, 1)]

    patch.setattr(EventLog, "append", hasty)


def no_ops_answered_from_cache(patch: pytest.MonkeyPatch) -> None:
    """Commands that write nothing are not checked by the log: a no-op is answered from the cache."""
    append = EventLog.append

    async def hasty(log: EventLog, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        writing = [one for one in appends if one.events]
        answers = iter(await append(log, writing) if writing else ())
        return [next(answers) if one.events else AppendResult(1) for one in appends]

    patch.setattr(EventLog, "append", hasty)


def stream_cache_never_invalidated(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("commands.handling.stream_cache.StreamCache.invalidate", lambda *_: None)


def pool_loses_returned_connections(patch: pytest.MonkeyPatch) -> None:
    """The library's own method: a task that is cancelled while it returns a connection loses it."""
    patch.setattr(Pool, "putconn", AsyncConnectionPool.putconn)


def _replace_in_append_function(url: str, text: str, other: str) -> None:
    with connect(url) as owner:
        (source,) = owner.execute("select pg_get_functiondef('log.append'::regproc)").fetchone() or ("",)
        broken = source.replace(text, other)
        assert broken != source, f"the function has no {text!r}"
        owner.execute(broken.encode())
