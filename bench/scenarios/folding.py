"""P1 to P3: projection of a long log, on a separate instance."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from msgspec import Struct

from bench.data import board
from bench.data.history import History
from bench.harness.rounds import mirrored
from bench.harness.run_module import run_module
from bench.harness.servers import EmbeddedServers, create_database, start_api, start_servers
from bench.peers import stock_projection
from bench.peers.stock_projection import ProjectionTiming
from bench.scenarios import catch_up, reads_during_rebuild, rebuild
from bench.scenarios.catch_up import CatchUp
from bench.scenarios.reads_during_rebuild import ReadsDuringRebuild
from bench.scenarios.rebuild import RebuildTiming
from bench.targets import ScenarioReport
from infra import log
from infra.ids import new_id
from projections.engine import builds

CATCH_UP_WORKERS = (1, 2, 2, 1, 1, 2)
"""How many workers catch up each time: the log grows, so each number goes first at times."""


class FoldingConfig(Struct, frozen=True):
    """The number of events: in the log that is rebuilt, for the peer, and for each catch-up of workers.

    Also the number of rebuilds: on an idle instance, and (`disturbed_rebuilds`) during reads and changes.
    """

    events: int
    peer_events: int
    rebuilds: int
    catch_up_events: int = 0
    disturbed_rebuilds: int = 0


class FoldingResult(Struct, frozen=True):
    """The results of P1 to P3."""

    rebuilds: list[RebuildTiming]
    peers: list[ProjectionTiming]
    catch_ups: list[CatchUp]
    reads_during_rebuild: list[ReadsDuringRebuild]


def reports(found: FoldingResult) -> list[ScenarioReport]:
    """One report for each of P1 to P3 that was measured."""
    return [
        catch_up.report(found.catch_ups),
        rebuild.report(found.rebuilds, found.peers),
        *([reads_during_rebuild.report(found.reads_during_rebuild)] if found.reads_during_rebuild else []),
    ]


def measure(data: Path, config: FoldingConfig) -> FoldingResult:
    """Measure on temporary servers."""
    with start_servers(data) as up:
        up.run_command("migrate")
        user, token = _register_user(data) if config.disturbed_rebuilds else (new_id(), "")
        history = History(user)
        turns = CATCH_UP_WORKERS if config.catch_up_events else ()
        followed = [catch_up.measure_catch_up(up, history, config.catch_up_events, workers) for workers in turns]
        history.write_next(up.connection, config.events - log.count_after(up.connection, 0))
        _skip_to_head(up)
        rebuilds, peers = measure_rebuilds(up, config)
        served = reads_during_rebuild.measure(up, token, config.disturbed_rebuilds) if config.disturbed_rebuilds else []
        return FoldingResult(rebuilds, peers, followed, served)


def measure_rebuilds(up: EmbeddedServers, config: FoldingConfig) -> tuple[list[RebuildTiming], list[ProjectionTiming]]:
    """Rebuild, and run the peer's projection, each going first every other time."""
    rebuilds, peers = list[RebuildTiming](), list[ProjectionTiming]()
    for number in range(config.rebuilds):
        database = create_database(up.connection, up.owner_url, f"bench_projecting_{number}")
        pair: list[Callable[[], None]] = [
            lambda: rebuilds.append(rebuild.measure_rebuild(up)),
            lambda: peers.append(_measure_peer(database, config.peer_events)),  # noqa: B023 - used at once
        ]
        for run in mirrored(pair, number):
            run()
    return rebuilds, peers


def _measure_peer(database_url: str, events: int) -> ProjectionTiming:
    plan = stock_projection.ProjectionPlan(database_url, events)
    return run_module("bench.peers.stock_projection", plan, ProjectionTiming)


def _register_user(data: Path) -> tuple[UUID, str]:
    with start_api(data) as api:
        return board.register_and_log_in(api.address)


def _skip_to_head(up: EmbeddedServers) -> None:
    """Move all checkpoints to the head of the log: missing rows are never read, or are written by the rebuild."""
    for build in builds.serving_builds(up.connection).values():
        builds.set_checkpoints(up.connection, build, log.head(up.connection))
