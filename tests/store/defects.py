"""Planted defects of the store: the log, its SQL and its pool made wrong on purpose, as somebody in a hurry would."""

from collections.abc import Sequence
from itertools import count

import pytest
from psycopg_pool import AsyncConnectionPool

from commands.handling.append import Append, AppendResult
from infra.database.pool import Pool, connect
from infra.log import EventLog

LOCK = "perform pg_advisory_xact_lock(7291402113004155);"
HELD = "present is distinct from bases"
USED = "on c.actor_id = actor_ids[used.entry] and c.key = used.key"
KEPT = "on c.actor_id = actor_ids[i] and c.key = used.key"
WRITTEN = "and e.command_id = command_ids[i]"


def writers_who_check_and_then_insert(url: str) -> None:
    """Without the lock and without the unique index."""
    positions_taken_without_the_lock(url)
    with connect(url) as owner:
        owner.execute("alter table log.events drop constraint events_pkey")
        owner.execute("create index on log.events (originator_id, originator_version)")


def positions_taken_without_the_lock(url: str) -> None:
    _rewrite(url, LOCK, "")


def a_log_that_checks_no_version(url: str) -> None:
    """The index on versions is all that is left."""
    _rewrite(url, HELD, "false")


def keys_that_nobody_looks_up(url: str) -> None:
    """Nor does an index say that one was there."""
    with connect(url) as owner:
        owner.execute("alter table log.commands drop constraint commands_pkey")
    _rewrite(url, USED, f"{USED} where false")
    _rewrite(url, KEPT, f"{KEPT} and false")


def a_group_sent_again_that_nobody_recognises(url: str) -> None:
    keys_that_nobody_looks_up(url)
    _rewrite(url, WRITTEN, f"{WRITTEN} and false")


def answers_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    """Now and then what was answered for is not written then."""
    append, calls = EventLog.append, count(1)

    async def hasty(log: EventLog, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        if next(calls) % 20:
            return await append(log, appends)
        head = await log.head()
        return [AppendResult(head + at) for at, _ in enumerate(appends, 1)]

    patch.setattr(EventLog, "append", hasty)


def answers_of_nothing_without_a_look(patch: pytest.MonkeyPatch) -> None:
    """What writes nothing does not ride along: a no-op is answered from memory."""
    append = EventLog.append

    async def hasty(log: EventLog, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        writing = [one for one in appends if one.events]
        answers = iter(await append(log, writing) if writing else ())
        return [next(answers) if one.events else AppendResult(1) for one in appends]

    patch.setattr(EventLog, "append", hasty)


def a_memory_that_never_forgets(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("commands.handling.stream_cache.StreamCache.invalidate", lambda *_: None)


def a_pool_that_loses_what_is_given_back(patch: pytest.MonkeyPatch) -> None:
    """The library's own: who is cancelled while giving a connection back has taken it along."""
    patch.setattr(Pool, "putconn", AsyncConnectionPool.putconn)


def _rewrite(url: str, text: str, other: str) -> None:
    with connect(url) as owner:
        (source,) = owner.execute("select pg_get_functiondef('log.append'::regproc)").fetchone() or ("",)
        broken = source.replace(text, other)
        assert broken != source, f"the function has no {text!r}"
        owner.execute(broken.encode())
