"""L1, the lane in process: commands carried out as the API does it, on the same log, without HTTP."""

import asyncio
import random
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from msgspec import Struct

from bench.data.board import new_task
from bench.harness.load_generator import Load
from bench.harness.run_module import answer
from cli.opened import opened
from commands.handling.decision import Wish
from commands.handling.group import Order
from commands.handling.handler import Handling
from domain.event import Actor
from infra import settings
from infra.database.pool import pool
from infra.ids import new_id
from infra.messaging import broker, clients
from infra.messaging.hints import Hints
from infra.messaging.subscription import Channel
from infra.reading.progress import Projected


class Plan(Struct, frozen=True):
    """Who creates tasks in which projects of which instance, how many of them at once, for how long."""

    data: str
    user: UUID
    projects: Sequence[UUID]
    waiting: int
    seconds: float


async def fill(plan: Plan) -> Load:
    """Each waits for its task, then asks for the next; workers are told as the API tells them."""
    found = settings.locate(Path(plan.data))
    async with opened(found) as instance, pool(found.database_url) as connections:
        channel = Channel(clients.listening_client(found.redis_url))
        projected = Projected(channel, connections, found.partitions)
        listening = asyncio.create_task(channel.listen())
        hints = Hints(broker.broker(found.broker_url), projected, found.partitions)
        hints.start()
        creators = [_Creator(instance.handling, hints, plan) for _ in range(plan.waiting)]
        await creators[0].warm()
        worked, began = time.process_time(), time.monotonic()
        await asyncio.gather(*(creator.create_until(began + plan.seconds) for creator in creators))
        busy = (time.process_time() - worked) / (time.monotonic() - began)
        listening.cancel()
        hints.stop()
    latencies = [round(latency * 1000, 3) for creator in creators for latency in creator.latencies]
    return Load(plan.seconds, [len(creator.latencies) for creator in creators], {}, latencies, 0, round(busy, 3))


class _Creator:
    """One who waits."""

    def __init__(self, handling: Handling, hints: Hints, plan: Plan) -> None:
        self.latencies: list[float] = []
        self._handling = handling
        self._hints = hints
        self._actor = Actor(plan.user)
        self._commands = [new_task(project) for project in plan.projects]

    async def warm(self) -> None:
        """Read what an API process that has run for a while knows."""
        for command in self._commands:
            await self._handling.handle(Order([Wish(new_id(), command)], self._actor, new_id()))

    async def create_until(self, deadline: float) -> None:
        while (began := time.monotonic()) < deadline:
            wish = Wish(new_id(), random.choice(self._commands))
            done = await self._handling.handle(Order([wish], self._actor, new_id()))
            self._hints.give(done.position)
            if (now := time.monotonic()) < deadline:
                self.latencies.append(now - began)


if __name__ == "__main__":
    answer(Plan, fill)
