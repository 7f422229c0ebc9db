"""How far the projections are: published by workers after each commit, awaited by readers.

What is published can get lost: a worker dies between its commit and its message, or cannot reach Redis. So a process
notices where a message is missing between two, looks at the checkpoints itself four times a second, and believes
nothing that it heard for longer than a second after the channel or the database went silent.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import redis
from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from infra.database.pool import Pool
from infra.logs import logger
from infra.messaging.hints import CROWD, GATHER_S
from infra.messaging.subscription import ALIVE_S, Channel
from infra.reading.memory_cache import Hot
from projections.engine import builds
from projections.engine.advance import BatchReport
from projections.engine.builds import WHOLE_BUILD_SCOPE
from projections.fingerprint import code_fingerprint, fingerprints
from projections.projection import all_projections

CHANNEL, NAME = "taskledger:projected", "taskledger looks"
AT_WORK_S = 3 * GATHER_S
"""How long after a crowded batch the next one may take."""
LOOK_S = 0.25
"""How often everybody asks PostgreSQL, in case a message was lost."""
WAIT_S = 0.25
"""How often a waiting reader does."""
_CHECKPOINTS = """select checkpoint.partition, checkpoint.position
    from read.serving join read.checkpoints as checkpoint using (build)
    where serving.projection = %s and serving.fingerprint = %s"""
_STANDS = f"""select serving.projection, serving.build,
      coalesce((select generation from read.generations
        where generations.build = serving.build and scope = '{WHOLE_BUILD_SCOPE}'), 0),
      checkpoint.partition, checkpoint.position
    from read.serving join read.checkpoints as checkpoint using (build) where {builds.IS_THIS_CODE_SQL}"""  # noqa: S608 - our own text


class Behind(Exception):
    """The read model does not include that position yet."""


class _News(Struct, frozen=True):
    projections: list[str]
    partition: int
    start: int
    position: int
    events: int
    generations: dict[str, dict[UUID, int]]
    code: str


class _Stand(Struct, frozen=True):
    """Where a projection was at a look: its build, the generation of that as a whole, and each partition's position."""

    build: int
    generation: int
    positions: dict[int, int]


def publisher(client: redis.Redis) -> Callable[[BatchReport], None]:
    """A function that tells every API process about a commit; Redis being away costs them a look."""

    def publish(progress: BatchReport) -> None:
        try:
            client.publish(CHANNEL, msgspec.json.encode(progress))
        except redis.RedisError as error:
            logger.warning("nobody was told of position {}: {}", progress.position, error)

    return publish


class Projected:
    """The positions that this process has heard of, and those who wait for the next.

    What is kept in `hot` is about topics (projection, scope), and doubted when one of them changes. What is heard may
    be wrong (another instance on the same Redis, a restored database): an answer carries its own position, and
    whoever finds it too low says so with `doubt`.
    """

    def __init__(self, channel: Channel, pool: Pool, partitions: int, hot: Hot[Any] | None = None) -> None:
        self._channel = channel
        self._pool = pool
        self._hot: Hot[Any] = Hot(0) if hot is None else hot
        self._positions = {name: dict.fromkeys(range(partitions), -1) for name in all_projections()}
        self._stands: dict[str, _Stand] = {}
        self._looked: dict[str, int] = {}
        self._looked_until = self.looked_at = 0.0
        self._crowded: dict[int, float] = {}
        self._doubtful: set[str] = set()
        self._news: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        channel.on(CHANNEL, self._take)
        channel.on_gap(lambda: self._forget(all_projections()))

    async def wait(self, projection: str, position: int, seconds: float) -> None:
        """Return when the projection has read up to `position`; raises Behind after so many seconds."""
        deadline = time.monotonic() + seconds
        look = True
        while not self.includes(projection, position):
            news = self._news[projection]
            if look and await self._look(projection) >= position:
                return
            left = deadline - time.monotonic()
            if left <= 0:
                raise Behind
            try:
                await asyncio.wait_for(news.wait(), min(left, WAIT_S))
                look = projection in self._doubtful
            except TimeoutError:
                look = True

    def includes(self, projection: str, position: int) -> bool:
        """Whether the projection is known to have read up to there, so that nobody need wait."""
        return min(self._positions[projection].values()) >= position

    def up_to(self, projections: Iterable[str]) -> int:
        """The position that these have read up to for sure, with all that changed until there heard."""
        return min(min(self._looked.get(name, -1), *self._positions[name].values()) for name in projections)

    def is_sure(self) -> bool:
        """Whether everything that was committed until a second ago is known here."""
        return time.monotonic() < self._looked_until and self._channel.is_alive()

    def heard(self, partition: int) -> int:
        """The position that all projections are known to have read up to there; -1 where nothing is known."""
        return min(positions.get(partition, -1) for positions in self._positions.values())

    def at_work(self, partition: int) -> bool:
        """Whether so much has just been folded there that somebody will look again by himself."""
        return time.monotonic() < self._crowded.get(partition, 0.0) + AT_WORK_S

    def doubt(self, projection: str) -> None:
        """Forget what was heard: an answer showed that it is not so."""
        self._forget([projection])

    async def watch(self) -> None:
        """Look at the checkpoints again and again, for ever: what changed unheard is found out, and who is silent.

        On a connection of its own: however much is asked of the pool, this is answered, or PostgreSQL is away.
        """
        while True:
            try:
                async with await self._pool.apart(NAME) as connection:
                    await self._watch(connection)
            except (psycopg.Error, OSError) as error:
                logger.debug("cannot look at the checkpoints: {}", error)
            except Exception as error:  # noqa: BLE001 - whatever it is, without looks nothing is believed
                logger.error("looking at the checkpoints: {}: {}", type(error).__name__, error)
            self._pool.is_silent = True
            await asyncio.sleep(LOOK_S)

    async def _watch(self, connection: AsyncConnection[TupleRow]) -> None:
        before: dict[str, _Stand] = {}
        while True:
            look = asyncio.create_task(self._compared(connection, before))
            try:
                while not look.done():
                    await asyncio.wait({look}, timeout=ALIVE_S)
                    self._pool.is_silent = not look.done()
            finally:
                look.cancel()
            before = look.result()
            await asyncio.sleep(LOOK_S)

    async def _compared(self, connection: AsyncConnection[TupleRow], before: dict[str, _Stand]) -> dict[str, _Stand]:
        """Look, and doubt what has moved without a message since the look before; one may still be on its way.

        What the look before saw is then known for sure.
        """
        began, looked_at, asked = time.monotonic(), time.time(), builds.serving_parameters()
        heard = {name: dict(positions) for name, positions in self._positions.items()}
        rows = await (await connection.execute(_STANDS, asked, prepare=True)).fetchall()
        stands: dict[str, _Stand] = {}
        for name, build, generation, partition, position in rows:
            stands.setdefault(name, _Stand(build, generation, {})).positions[partition] = position
        for name, stand in stands.items():
            if any(heard[name].get(partition, -1) > position for partition, position in stand.positions.items()):
                self._forget([name])  # it was not said of this database
            self._compare(name, stand, before.get(name))
            self._looked[name] = min(before[name].positions.values()) if name in before else -1
        self._looked_until, self.looked_at = began + ALIVE_S, looked_at
        return stands

    def _compare(self, name: str, stand: _Stand, before: _Stand | None) -> None:
        if before is None or (before.build, before.generation) != (stand.build, stand.generation):
            self._forget([name])
        known = self._positions[name]
        if known.keys() != stand.positions.keys():
            self._forget([name])
            self._positions[name] = known = dict.fromkeys(stand.positions, -1)
        if before and any(position > known.get(partition, -1) for partition, position in before.positions.items()):
            self._hot.doubt((name, WHOLE_BUILD_SCOPE))
            for partition, position in before.positions.items():
                self._hear(name, partition, position)

    def _take(self, data: bytes) -> None:
        try:
            news = msgspec.json.decode(data, type=_News)
        except msgspec.DecodeError:
            return
        self._crowded[news.partition] = time.monotonic() if news.events >= CROWD else 0.0
        is_ours = news.code == code_fingerprint()
        for name in self._positions.keys() & set(news.projections):
            if is_ours:
                self._change(name, news)
                self._hear(name, news.partition, news.position)
            else:  # during a deploy: how far our own builds are must be looked up
                self._doubtful.add(name)
                self._news.pop(name, asyncio.Event()).set()

    def _change(self, name: str, news: _News) -> None:
        """Doubt what changed; everything where the batch before this one was not heard of."""
        known = self._positions[name].get(news.partition, -1)
        if news.start != known and news.position > known:
            self._hot.doubt((name, WHOLE_BUILD_SCOPE))
        for scope in news.generations.get(name, ()):
            self._hot.doubt((name, scope))

    def _hear(self, projection: str, partition: int, position: int) -> None:
        if position > self._positions[projection].get(partition, -1):
            self._positions[projection][partition] = position
            self._news.pop(projection, asyncio.Event()).set()

    def _forget(self, projections: Iterable[str]) -> None:
        for name in projections:
            self._positions[name] = dict.fromkeys(self._positions[name], -1)
            self._hot.doubt((name, WHOLE_BUILD_SCOPE))

    async def _look(self, projection: str) -> int:
        """The position that all partitions have read up to."""
        self._doubtful.discard(projection)
        asked = (projection, fingerprints()[projection])
        async with self._pool.asking() as connection:
            found = await (await connection.execute(_CHECKPOINTS, asked, prepare=True)).fetchall()
        return min((position for _, position in found), default=-1)
