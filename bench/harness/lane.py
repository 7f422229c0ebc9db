"""L1, the lane in process: commands handled as in the API, on the same log, without HTTP."""

import asyncio
import random
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from msgspec import Struct

from bench.data.board import create_task_command
from bench.harness.load_generator import LoadResult
from bench.harness.run_module import run_plan
from cli.open_instance import open_instance
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from domain.event import Actor
from infra import settings
from infra.ids import new_id
from infra.messaging import broker, redis_clients
from infra.messaging.hints import HintSender
from infra.messaging.subscription import Subscription
from infra.reading.progress import ProjectionProgress


class LanePlan(Struct, frozen=True):
    """The user who creates tasks, the instance and its projects, how many creates are concurrent, and for how long."""

    data: str
    user: UUID
    projects: Sequence[UUID]
    concurrency: int
    seconds: float


async def run_lane(plan: LanePlan) -> LoadResult:
    """Run clients that each create one task after the other, and send hints to workers as the API does."""
    instance_settings = settings.resolve(Path(plan.data), needs_address_key=True)
    async with open_instance(instance_settings) as instance:
        channel = Subscription(redis_clients.subscriber_client(instance_settings.redis_url))
        projected = ProjectionProgress(channel, instance_settings.partitions)
        listening = asyncio.create_task(channel.listen())
        hints = HintSender(broker.create_broker(instance_settings.broker_url), projected, instance_settings.partitions)
        hints.start()
        creators = [_CreatingClient(instance.command_handler, hints, plan) for _ in range(plan.concurrency)]
        await creators[0].warm()
        worked, began = time.process_time(), time.monotonic()
        await asyncio.gather(*(creator.create_until(began + plan.seconds) for creator in creators))
        busy = (time.process_time() - worked) / (time.monotonic() - began)
        listening.cancel()
        hints.stop()
    latencies = [round(latency * 1000, 3) for creator in creators for latency in creator.latencies]
    return LoadResult(plan.seconds, [len(creator.latencies) for creator in creators], {}, latencies, 0, round(busy, 3))


class _CreatingClient:
    """A client that waits for each create."""

    def __init__(self, handling: CommandHandler, hints: HintSender, plan: LanePlan) -> None:
        self.latencies: list[float] = []
        self._handling = handling
        self._hints = hints
        self._actor = Actor(plan.user)
        self._commands = [create_task_command(project) for project in plan.projects]

    async def warm(self) -> None:
        """Fill the caches, as in an API process that has run for a while."""
        for command in self._commands:
            await self._handling.handle(CommandRequest([CommandOn(new_id(), command)], self._actor, new_id()))

    async def create_until(self, deadline: float) -> None:
        while (began := time.monotonic()) < deadline:
            command = CommandOn(new_id(), random.choice(self._commands))
            done = await self._handling.handle(CommandRequest([command], self._actor, new_id()))
            self._hints.hint(done.position)
            if (now := time.monotonic()) < deadline:
                self.latencies.append(now - began)


if __name__ == "__main__":
    run_plan(LanePlan, run_lane)
