"""How far the projections are: published by workers after each commit, awaited by readers."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable

import msgspec
import redis
import redis.asyncio
from msgspec import Struct

from infra.hints import CROWD, GATHER_S
from infra.logs import logger
from infra.postgres import Pool
from projections.engine.advance import Progress
from projections.fingerprint import code, fingerprints
from projections.projection import every

CHANNEL = "taskledger:projected"
AT_WORK_S = 3 * GATHER_S
"""How long after a crowded batch the next one may take."""
LOOK_S = 0.25
"""How often a waiting reader asks PostgreSQL, in case a message was lost."""
_CHECKPOINTS = """select checkpoint.partition, checkpoint.position
    from read.serving join read.checkpoints as checkpoint using (build)
    where serving.projection = %s and serving.fingerprint = %s"""


class Behind(Exception):
    """The read model does not include that position yet."""


class _News(Struct, frozen=True):
    projections: list[str]
    partition: int
    position: int
    events: int
    code: str


def publisher(client: redis.Redis) -> Callable[[Progress], None]:
    """A function that tells every API process about a commit; Redis being away costs them a look."""

    def publish(progress: Progress) -> None:
        try:
            client.publish(CHANNEL, msgspec.json.encode(progress))
        except redis.RedisError as error:
            logger.warning("nobody was told of position {}: {}", progress.position, error)

    return publish


class Projected:
    """The positions that this process has heard of, and those who wait for the next.

    What is heard may be wrong (another instance on the same Redis, a restored database): an answer
    carries its own position, and whoever finds it too low says so with `doubt`.
    """

    def __init__(self, client: redis.asyncio.Redis, pool: Pool, partitions: int) -> None:
        self._client = client
        self._pool = pool
        self._positions = {name: dict.fromkeys(range(partitions), -1) for name in every()}
        self._crowded: dict[int, float] = {}
        self._doubtful: set[str] = set()
        self._news: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

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
                await asyncio.wait_for(news.wait(), min(left, LOOK_S))
                look = projection in self._doubtful
            except TimeoutError:
                look = True

    def includes(self, projection: str, position: int) -> bool:
        """Whether the projection is known to have read up to there, so that nobody need wait."""
        return min(self._positions[projection].values()) >= position

    def heard(self, partition: int) -> int:
        """The position that all projections are known to have read up to there; -1 where nothing is known."""
        return min(positions.get(partition, -1) for positions in self._positions.values())

    def at_work(self, partition: int) -> bool:
        """Whether so much has just been folded there that somebody will look again by himself."""
        return time.monotonic() < self._crowded.get(partition, 0.0) + AT_WORK_S

    def doubt(self, projection: str) -> None:
        """Forget what was heard: an answer showed that it is not so."""
        self._positions[projection] = dict.fromkeys(self._positions[projection], -1)

    async def listen(self) -> None:
        """Hear what workers publish, for ever; after a failure, connect again."""
        while True:
            try:
                await self._subscribe()
            except (redis.RedisError, OSError) as error:
                logger.warning("not hearing from workers: {}", error)
                await asyncio.sleep(1)

    async def close(self) -> None:
        """Give back what `listen` opened, once it has ended."""
        await self._client.aclose(close_connection_pool=True)

    async def _subscribe(self) -> None:
        async with self._client.pubsub() as channel:
            await channel.subscribe(CHANNEL)
            async for message in channel.listen():
                if message["type"] == "message":
                    self._take(message["data"])

    def _take(self, data: bytes) -> None:
        try:
            news = msgspec.json.decode(data, type=_News)
        except msgspec.DecodeError:
            return
        self._crowded[news.partition] = time.monotonic() if news.events >= CROWD else 0.0
        is_ours = news.code == code()
        for name in self._positions.keys() & set(news.projections):
            if is_ours:
                self._hear(name, news.partition, news.position)
            else:  # during a deploy: how far our own builds are must be looked up
                self._doubtful.add(name)
                self._news.pop(name, asyncio.Event()).set()

    def _hear(self, projection: str, partition: int, position: int) -> None:
        if position > self._positions[projection].get(partition, -1):
            self._positions[projection][partition] = position
            self._news.pop(projection, asyncio.Event()).set()

    async def _look(self, projection: str) -> int:
        """The position that all partitions have read up to."""
        self._doubtful.discard(projection)
        asked = (projection, fingerprints()[projection])
        async with self._pool.connection() as connection:
            found = await (await connection.execute(_CHECKPOINTS, asked, prepare=True)).fetchall()
        self._positions[projection] = {partition: -1 for partition, _ in found} or self._positions[projection]
        for partition, position in found:
            self._hear(projection, partition, position)
        return min(self._positions[projection].values())
