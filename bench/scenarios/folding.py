"""P1 to P3, folding: an instance of its own whose log is long, and what projections do with it."""

from pathlib import Path
from uuid import UUID

from msgspec import Struct

from bench.data import board
from bench.data.history import History
from bench.harness.run_module import elsewhere
from bench.harness.servers import Servers, answering, database, servers
from bench.peers import stock_projection
from bench.peers.stock_projection import Projecting
from bench.scenarios import catch_up, reads_during_rebuild, rebuild
from bench.scenarios.catch_up import Followed
from bench.scenarios.reads_during_rebuild import Disturbed
from bench.scenarios.rebuild import Rebuilt
from bench.targets import Told
from infra import log
from infra.ids import new_id
from projections.engine import builds

FOLLOWING = 3
"""Turns of one worker and of two."""


class Extent(Struct, frozen=True):
    """How many events there are: in the log that is rebuilt, for the peer, for workers to catch up with in each turn.

    And how often it is rebuilt, quietly and disturbed.
    """

    events: int
    peer_events: int
    rebuilds: int
    following: int = 0
    disturbed: int = 0


class Folding(Struct, frozen=True):
    """What came of it."""

    rebuilds: list[Rebuilt]
    peer: Projecting
    followed: list[Followed]
    disturbed: list[Disturbed]


def told(found: Folding) -> list[Told]:
    """A line for each mark that was measured."""
    return [
        Told(list(catch_up.marks(found.followed))),
        rebuild.told(found.rebuilds, found.peer),
        *([reads_during_rebuild.told(found.disturbed)] if found.disturbed else []),
    ]


def measured(data: Path, extent: Extent) -> Folding:
    """Servers of its own, gone when it ends."""
    with servers(data) as up:
        up.do("migrate")
        user, token = _registered(data) if extent.disturbed else (new_id(), "")
        history = History(user)
        turns = (1, 2) * FOLLOWING if extent.following else ()
        followed = [catch_up.follow(up, history, extent.following, workers) for workers in turns]
        history.fill(up.connection, extent.events - log.behind(up.connection, 0))
        _skip(up)
        rebuilds = [rebuild.rebuild(up) for _ in range(extent.rebuilds)]
        plan = stock_projection.Plan(database(up.connection, up.owner_url, "bench_projecting"), extent.peer_events)
        peer = elsewhere("bench.peers.stock_projection", plan, Projecting)
        served = reads_during_rebuild.disturb(up, token, extent.disturbed) if extent.disturbed else []
        return Folding(rebuilds, peer, followed, served)


def _registered(data: Path) -> tuple[UUID, str]:
    with answering(data) as address:
        return board.log_in(address)


def _skip(up: Servers) -> None:
    """All projections go on at the end of the log: what they lack is not looked at, or is what the rebuild brings."""
    for build in builds.serving(up.connection).values():
        builds.start(up.connection, build, log.head(up.connection))
