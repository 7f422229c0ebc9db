"""An event log in memory: it checks every append, and yields to other tasks wherever it can."""

from asyncio import sleep
from collections.abc import Collection, Iterable, Sequence
from random import Random
from uuid import UUID

from commands.handling.append import Append, AppendResult, WrongExpectedVersion
from commands.handling.handler import Histories
from commands.handling.idempotency import IdempotentReplay, StoredOutcome
from commands.handling.loader import StateKey
from commands.handling.stream_cache import StreamState
from tests.examples import Fact
from tests.given import EventHistory


class InMemoryEventLog:
    """Read each stream at a different moment, with a delay before the answer."""

    append_timeout_s = 60.0

    def __init__(self, facts: Iterable[Fact] = (), seed: int = 0) -> None:
        self.history = EventHistory(facts)
        self.append_count = self.written_count = 0
        self.conflict_count = 0
        self.outcomes_by_key: dict[tuple[UUID, str], StoredOutcome] = {}
        self.snapshots: dict[UUID, tuple[StreamState, UUID]] = {}
        self._random = Random(seed)

    async def load_streams(self, ids: Collection[UUID]) -> Histories:
        loaded = {}
        for stream in ids:
            await self._yield_to_others()
            loaded[stream] = tuple(self.history.streams.get(stream, ()))
        await self._yield_to_others()
        return loaded

    async def load_states(self, wanted: Sequence[StateKey]) -> list[StreamState]:
        histories = await self.load_streams([stream for stream, _ in wanted])
        return [StreamState.from_history(histories[stream], [kind]) for stream, kind in wanted]

    def save_snapshot(self, stream: UUID, known: StreamState, command_id: UUID) -> None:
        self.snapshots[stream] = known, command_id

    async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        await self._yield_to_others()
        self.append_count += 1
        spoilt: set[UUID] = set()
        return [self._try_append(append, spoilt) for append in appends]

    def _try_append(self, append: Append, failed_streams: set[UUID]) -> AppendResult | Exception:
        names = [(append.actor.id, key.text) for key, _ in append.outcomes]
        if before := [self.outcomes_by_key[name] for name in names if name in self.outcomes_by_key]:
            failed_streams |= {stream for stream, _ in append.events}
            return IdempotentReplay(before)
        stale = [
            at
            for at, version in append.expected_versions.items()
            if at in failed_streams or self.history.version(at) != version
        ]
        if stale:
            self.conflict_count += 1
            failed_streams |= {stream for stream, _ in append.events}
            return WrongExpectedVersion(stale)
        self.written_count += bool(append.events)
        position = self.history.append(append.events, append.actor, append.command_id)
        for key, outcome in append.outcomes:
            if outcome is not None:
                kept = StoredOutcome(key.text, key.fingerprint, outcome, position, append.workspace_id)
                self.outcomes_by_key[append.actor.id, key.text] = kept
        return AppendResult(position)

    async def _yield_to_others(self) -> None:
        for _ in range(self._random.randrange(8)):
            await sleep(0)
