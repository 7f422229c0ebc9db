"""L1, the lane in process: commands handled as in the API, on the same log, without HTTP."""

import asyncio
import random
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from msgspec import Struct

from bench.data.board import create_task_command
from bench.harness.load_result import LoadResult, measure_busy_share, summarize
from bench.harness.run_module import run_plan
from bench.harness.tally import WARM_UP_S, CountedTime, Tally
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
    warm_up_s: float = WARM_UP_S


async def run_lane(plan: LanePlan) -> LoadResult:
    """Run clients that each create one task after the other, and send hints to workers as the API does."""
    instance_settings = settings.resolve(Path(plan.data), needs_address_key=True)
    async with open_instance(instance_settings) as instance:
        channel = Subscription(redis_clients.subscriber_client(instance_settings.redis_url))
        projected = ProjectionProgress(channel, instance_settings.partitions)
        listening = asyncio.create_task(channel.listen())
        hints = HintSender(broker.create_broker(instance_settings.broker_url), projected, instance_settings.partitions)
        hints.start()
        result = await _create_tasks(instance.command_handler, hints, plan)
        listening.cancel()
        hints.stop()
    return result


async def _create_tasks(handling: CommandHandler, hints: HintSender, plan: LanePlan) -> LoadResult:
    worked = time.process_time()
    await _read_projects(handling, plan)
    counted = CountedTime.starting_now(plan.warm_up_s, plan.seconds)
    clients = [_CreatingClient(handling, hints, plan, Tally(counted)) for _ in range(plan.concurrency)]
    busy_share = asyncio.create_task(measure_busy_share(counted))
    await asyncio.gather(*(client.create_until(counted.ended) for client in clients))
    cpu_s = time.process_time() - worked
    return summarize([client.tally for client in clients], plan.seconds, await busy_share, cpu_s)


async def _read_projects(handling: CommandHandler, plan: LanePlan) -> None:
    """Fill the caches, as in an API process that has run for a while."""
    for project in plan.projects:
        command = CommandOn(new_id(), create_task_command(project))
        await handling.handle(CommandRequest([command], Actor(plan.user), new_id()))


class _CreatingClient:
    """A client that waits for each create."""

    def __init__(self, handling: CommandHandler, hints: HintSender, plan: LanePlan, tally: Tally) -> None:
        self.tally = tally
        self._handling = handling
        self._hints = hints
        self._actor = Actor(plan.user)
        self._commands = [create_task_command(project) for project in plan.projects]

    async def create_until(self, deadline: float) -> None:
        while (began := time.monotonic()) < deadline:
            command = CommandOn(new_id(), random.choice(self._commands))
            done = await self._handling.handle(CommandRequest([command], self._actor, new_id()))
            self._hints.hint(done.position)
            self.tally.record_success(began, time.monotonic())


if __name__ == "__main__":
    run_plan(LanePlan, run_lane)
