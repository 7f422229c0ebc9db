"""The result of a load: its answers, latencies and failures, and what the client that made it spent."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from math import inf

from msgspec import Struct

from bench.harness.tally import CountedTime, Tally


class LoadResult(Struct, frozen=True):
    """The result of a plan: successful answers that count, by client; refused requests, by status, and their latencies.

    `unanswered` requests had no answer when the generator stopped waiting, `unsent` ones fell due, but no client became
    idle before the end; `wrong` answers succeeded with a body other than the expected one. `under_way_ms` are requests
    that a closed loop had under way at its end: they are not counted. `warm_up_answers` came too early to be counted.
    `busy_share` is the generator's use of one processor while answers counted, `cpu_s` its processor time in all.
    """

    seconds: float
    answered: list[int]
    refused: dict[int, int]
    latencies_ms: list[float]
    unanswered: int
    busy_share: float
    unsent: int = 0
    wrong: int = 0
    refused_latencies_ms: list[float] = []
    under_way_ms: list[float] = []
    warm_up_answers: int = 0
    cpu_s: float = 0.0

    def per_second(self) -> float:
        return sum(self.answered) / self.seconds

    def all_answers(self) -> int:
        """All successful answers, counted or not: what the processor time of the whole load was spent on."""
        return sum(self.answered) + len(self.under_way_ms) + self.warm_up_answers

    def latencies_with_failures_ms(self) -> list[float]:
        """The latency of every request that counts: infinite for one that failed or was never sent."""
        never = sum(self.refused.values()) + self.unsent + self.unanswered + self.wrong
        return [*self.latencies_ms, *[inf] * never]


def merge_loads(loads: Sequence[LoadResult]) -> LoadResult:
    """Merge consecutive loads, with the same number of clients, into a single one."""
    return LoadResult(
        seconds=sum(load.seconds for load in loads),
        answered=[sum(answers) for answers in zip(*(load.answered for load in loads), strict=True)],
        refused=sum((Counter(load.refused) for load in loads), Counter()),
        latencies_ms=[latency for load in loads for latency in load.latencies_ms],
        unanswered=sum(load.unanswered for load in loads),
        busy_share=max(load.busy_share for load in loads),
        unsent=sum(load.unsent for load in loads),
        wrong=sum(load.wrong for load in loads),
        refused_latencies_ms=[latency for load in loads for latency in load.refused_latencies_ms],
        under_way_ms=[latency for load in loads for latency in load.under_way_ms],
        warm_up_answers=sum(load.warm_up_answers for load in loads),
        cpu_s=sum(load.cpu_s for load in loads),
    )


def summarize(tallies: Sequence[Tally], seconds: float, busy_share: float, cpu_s: float, unsent: int = 0) -> LoadResult:
    """The result of a load of `seconds`, from the tally of each client."""
    return LoadResult(
        seconds=seconds,
        answered=[len(tally.latencies) for tally in tallies],
        refused=sum((tally.refused for tally in tallies), Counter()),
        latencies_ms=_in_ms(latency for tally in tallies for latency in tally.latencies),
        unanswered=sum(tally.unanswered for tally in tallies),
        busy_share=busy_share,
        unsent=unsent,
        wrong=sum(tally.wrong for tally in tallies),
        refused_latencies_ms=_in_ms(latency for tally in tallies for latency in tally.refused_latencies),
        under_way_ms=_in_ms(latency for tally in tallies for latency in tally.under_way_latencies),
        warm_up_answers=sum(tally.warm_up_answers for tally in tallies),
        cpu_s=round(cpu_s, 3),
    )


async def measure_busy_share(counted: CountedTime) -> float:
    """This process's use of one processor, only while answers count: waiting for the last ones would dilute it."""
    await asyncio.sleep(counted.began - time.monotonic())
    worked, began = time.process_time(), time.monotonic()
    await asyncio.sleep(counted.ended - time.monotonic())
    return round((time.process_time() - worked) / (time.monotonic() - began), 3)


def _in_ms(latencies_s: Iterable[float]) -> list[float]:
    return [round(latency * 1000, 3) for latency in latencies_s]
