"""Clients that retry: every command has an idempotency key, and is sent again with it until the answer is definite."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias
from uuid import UUID

from msgspec import Struct

from tests.consistency import Acknowledged, CallHistory

RETRY_PAUSE_S = 0.05
"""The pause between a call without an answer and the next."""


class Conflict(Struct, frozen=True):
    """Refused: another client was faster."""

    current_version: int


DefiniteOutcome: TypeAlias = Acknowledged | Conflict


class OutcomeUnknown(Exception):
    """The command may or may not have been carried out."""


class TaskApi(Protocol):
    """An interface to tasks. Both methods raise OutcomeUnknown."""

    async def create(self, title: str, key: str) -> DefiniteOutcome:
        """Create a task."""

    async def edit(self, task: UUID, version: int, title: str, key: str) -> DefiniteOutcome:
        """Rename a task if it is still at that version."""


class RetryingClient:
    """A client that creates tasks, edits them, and competes with the other clients for one shared task."""

    def __init__(self, name: str, api: TaskApi, history: CallHistory, shared_task: UUID) -> None:
        self._name, self._api, self._history = name, api, history
        self._shared_task, self._shared_version = shared_task, 1
        self._commands_sent = 0

    async def run(self, should_stop: Callable[[], bool]) -> None:
        """Run rounds until asked to stop; every outcome is definite by then."""
        while not should_stop():
            await self.run_round()

    async def run_round(self) -> None:
        """Four commands: a create, an edit, an edit of a stale version, and one that all clients compete for."""
        created = await self._send(self._api.create)
        assert isinstance(created, Acknowledged), created
        edited = await self._edit(created.stream, 1)
        assert isinstance(edited, Acknowledged), edited
        late = await self._edit(created.stream, 1)
        assert isinstance(late, Conflict), f"carried out on version 1, after {edited}: {late}"
        raced = await self._edit(self._shared_task, self._shared_version)
        self._shared_version = raced.version if isinstance(raced, Acknowledged) else raced.current_version

    async def _edit(self, task: UUID, version: int) -> DefiniteOutcome:
        return await self._send(lambda title, key: self._api.edit(task, version, title, key))

    async def _send(self, send: Callable[[str, str], Awaitable[DefiniteOutcome]]) -> DefiniteOutcome:
        self._commands_sent += 1
        title = f"{self._name}-{self._commands_sent}"
        return await retry_until_definite(self._history, title, lambda: send(title, f"key of {title}"))


async def retry_until_definite(
    history: CallHistory, unique_title: str, send: Callable[[], Awaitable[DefiniteOutcome]]
) -> DefiniteOutcome:
    """Send a command until its outcome is definite, and record the outcome of each call."""
    while True:
        sent = time.monotonic()
        try:
            answer = await send()
        except OutcomeUnknown:
            history.record(unique_title, sent, "unknown")
            await asyncio.sleep(RETRY_PAUSE_S)
        else:
            history.record(unique_title, sent, answer if isinstance(answer, Acknowledged) else "refused")
            return answer
