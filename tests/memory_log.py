"""The event log in memory: it judges every append honestly, and lets others go first wherever it can."""

from asyncio import sleep
from collections.abc import Collection, Iterable, Sequence
from random import Random
from uuid import UUID

from commands.handling import Streams
from commands.lane import Accepted, Append, Changed, Replayed
from tests.examples import Fact
from tests.given import Past


class MemoryLog:
    """Each stream is read at another moment, and a while passes between the question and the answer."""

    def __init__(self, facts: Iterable[Fact] = (), seed: int = 0) -> None:
        self.past = Past(facts)
        self.appends = self.written = 0
        self.changed = 0
        self.keys: dict[tuple[UUID, str], Replayed] = {}
        self._random = Random(seed)

    async def streams(self, ids: Collection[UUID], last: Collection[UUID] = ()) -> Streams:
        loaded = {}
        for stream in (*ids, *last):
            await self._others_first()
            loaded[stream] = tuple(self.past.streams.get(stream, ()))[-1 if stream in last else 0 :]
        await self._others_first()
        return loaded

    async def append(self, appends: Sequence[Append]) -> Sequence[Accepted | Exception]:
        await self._others_first()
        self.appends += 1
        spoilt: set[UUID] = set()
        return [self._judged(append, spoilt) for append in appends]

    def _judged(self, append: Append, spoilt: set[UUID]) -> Accepted | Exception:
        before = self.keys.get((append.actor.id, append.key.text)) if append.key else None
        if before:
            spoilt |= {stream for stream, _ in append.events}
            return before
        stale = [at for at, version in append.seen.items() if at in spoilt or self.past.version(at) != version]
        if stale:
            self.changed += 1
            spoilt |= {stream for stream, _ in append.events}
            return Changed(stale)
        self.written += bool(append.events)
        position = self.past.add(append.events, append.actor, append.command_id)
        if append.key and append.outcome is not None:
            kept = Replayed(append.key, append.outcome, position, append.workspace_id)
            self.keys[append.actor.id, append.key.text] = kept
        return Accepted(position)

    async def _others_first(self) -> None:
        for _ in range(self._random.randrange(8)):
            await sleep(0)
