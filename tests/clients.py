"""Clients who do not give up: every command has a key, and is sent again with it until the answer is definite."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias
from uuid import UUID

from msgspec import Struct

from tests.history import Notes, Place

PAUSE_S = 0.05
"""Between a call that brought no answer and the next."""


class Lost(Struct, frozen=True):
    """Refused: somebody else was faster."""

    current_version: int


Answer: TypeAlias = Place | Lost


class NoAnswer(Exception):
    """The command may have happened, or not."""


class Door(Protocol):
    """A way in. Both raise NoAnswer."""

    async def create(self, title: str, key: str) -> Answer:
        """Create a task."""

    async def edit(self, task: UUID, version: int, title: str, key: str) -> Answer:
        """Give a task another title, if it is still at that version."""


class Client:
    """Somebody who creates tasks and edits them, and who races with all others for one that they share."""

    def __init__(self, name: str, door: Door, notes: Notes, shared: UUID) -> None:
        self._name, self._door, self._notes = name, door, notes
        self._shared, self._shared_version = shared, 1
        self._made = 0

    async def work(self, ended: Callable[[], bool]) -> None:
        """Round after round, until told to end; every outcome is definite then."""
        while not ended():
            await self.round()

    async def round(self) -> None:
        """Four commands: a create, an edit, an edit that comes too late, and one for which all race."""
        created = await self._make(self._door.create)
        assert isinstance(created, Place), created
        edited = await self._edit(created.stream, 1)
        assert isinstance(edited, Place), edited
        late = await self._edit(created.stream, 1)
        assert isinstance(late, Lost), f"carried out on version 1, after {edited}: {late}"
        raced = await self._edit(self._shared, self._shared_version)
        self._shared_version = raced.version if isinstance(raced, Place) else raced.current_version

    async def _edit(self, task: UUID, version: int) -> Answer:
        return await self._make(lambda title, key: self._door.edit(task, version, title, key))

    async def _make(self, ask: Callable[[str, str], Awaitable[Answer]]) -> Answer:
        self._made += 1
        mark = f"{self._name}-{self._made}"
        return await until_definite(self._notes, mark, lambda: ask(mark, f"key of {mark}"))


async def until_definite(notes: Notes, mark: str, ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask, and ask again, and note what came of it each time."""
    while True:
        sent = time.monotonic()
        try:
            answer = await ask()
        except NoAnswer:
            notes.add(mark, sent, "unknown")
            await asyncio.sleep(PAUSE_S)
        else:
            notes.add(mark, sent, answer if isinstance(answer, Place) else "refused")
            return answer
