"""API processes as the store sees them: each is a command handler with its own lane, cache and pool."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from random import Random
from typing import Any, TypeAlias
from uuid import UUID
from zlib import crc32

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from commands.command import Command
from commands.handling import append
from commands.handling.append import Append, AppendResult
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.idempotency import IdempotencyKey
from commands.handling.request import CommandRequest
from commands.task import CreateTask, EditTask
from domain.errors import Refusal, TooBusy, TwinInFlight, VersionConflict
from infra.database.pool import Pool, create_pool
from infra.ids import new_id
from infra.log.event_log import EventLog
from tests.consistency import Acknowledged
from tests.examples import ADA, Facts, fixed_uuid7, project, workspace
from tests.retrying_clients import Conflict, DefiniteOutcome, OutcomeUnknown

PROJECTS = [fixed_uuid7(10_000 + number) for number in range(100)]
"""Enough projects that concurrent creates rarely share one; contention is not tested here."""

ConnectionContext: TypeAlias = AbstractAsyncContextManager[AsyncConnection[TupleRow]]


class TwoProcesses:
    """Two API processes; as a TaskApi, they are a load balancer that sends each call to one of them."""

    def __init__(self, url: str, pools: list[Pool], seed: int = 0) -> None:
        self.url, self.pools = url, pools
        self.logs = [EventLog(url, pool) for pool in pools]
        self._random = Random(seed)
        self.restart()

    def restart(self) -> None:
        """Replace the handlers by new ones with empty caches; the old ones finish what they are doing."""
        self.handlers = [CommandHandler(log) for log in self.logs]

    def lose_replies(self, share: float) -> None:
        """From now on, lose this share of answers after their statements were carried out."""
        for one in self.pools:
            one.connection = partial(self._losing_replies, one.connection, share)  # type: ignore[method-assign]

    @contextlib.asynccontextmanager
    async def _losing_replies(self, connected: Callable[[], ConnectionContext], share: float) -> AsyncIterator[Any]:
        async with connected() as connection:
            yield connection
            if self._random.random() < share:
                raise psycopg.OperationalError("the answer is lost")

    async def create(self, title: str, key: str) -> DefiniteOutcome:
        project_id = PROJECTS[crc32(key.encode()) % len(PROJECTS)]
        return await self._handle(new_id(), CreateTask(project_id=project_id, title=title), key)

    async def edit(self, task: UUID, version: int, title: str, key: str) -> DefiniteOutcome:
        return await self._handle(task, EditTask(title=title, expected_version=version), key)

    async def _handle(self, target: UUID, command: Command[Any], key: str) -> DefiniteOutcome:
        handling = self._random.choice(self.handlers)
        try:
            done = await handling.handle(
                CommandRequest([CommandOn(target, command)], ADA, new_id(), [IdempotencyKey(key, b"always the same")])
            )
        except VersionConflict as conflict:
            return Conflict(int(str(conflict.params["current_version"])))
        except (append.OutcomeUnknown, psycopg.OperationalError, TooBusy, TwinInFlight) as unknown:
            raise OutcomeUnknown from unknown
        except Refusal as refusal:
            raise AssertionError(f"{command} was refused: {refusal.code()}") from refusal
        return Acknowledged(done.results[0].id, done.results[0].version, done.position)


@contextlib.asynccontextmanager
async def two_processes(url: str, seed: int = 0) -> AsyncIterator[TwoProcesses]:
    """Two processes on one database, which has a workspace of Ada's with many projects."""
    async with create_pool(url) as first, create_pool(url) as second:
        both = TwoProcesses(url, [first, second], seed)
        boards = [fact for at, one in enumerate(PROJECTS) for fact in project(one, f"P{at}")]
        await append_new_streams(both.logs[0], [*workspace(), *boards])
        yield both


async def append_new_streams(log: EventLog, facts: Facts) -> None:
    """Append events to new streams."""
    seen = {stream: 0 for stream, _ in facts}
    append = Append(expected_versions=seen, events=facts, actor=ADA, command_id=new_id(), workspace_id=None)
    (answer,) = await log.append([append])
    assert isinstance(answer, AppendResult), answer
