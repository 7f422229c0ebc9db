"""Folding, P1 to P3: an instance of its own whose log is long, and what projections do with it."""

from pathlib import Path
from uuid import UUID

from msgspec import Struct

from bench import board
from bench.elsewhere import elsewhere
from bench.following import Followed, follow
from bench.history import History
from bench.peers import projection
from bench.peers.projection import Projecting
from bench.rebuild import Disturbed, Rebuilt, disturb, rebuild
from bench.servers import Servers, answering, database, servers
from infra import log
from infra.ids import new_id
from projections.engine import builds


class Extent(Struct, frozen=True):
    """How many events: of the log that is rebuilt, for the peer, for workers to catch up with; and how many turns."""

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


def measured(data: Path, extent: Extent) -> Folding:
    """Servers of its own, gone when it ends."""
    with servers(data) as up:
        up.do("migrate")
        user, token = _registered(data) if extent.disturbed else (new_id(), "")
        history = History(user)
        followed = [follow(up, history, extent.following, workers) for workers in (1, 2) if extent.following]
        history.fill(up.connection, extent.events - log.behind(up.connection, 0))
        _skip(up)
        rebuilds = [rebuild(up) for _ in range(extent.rebuilds)]
        plan = projection.Plan(database(up.connection, up.owner_url, "bench_projecting"), extent.peer_events)
        peer = elsewhere("bench.peers.projection", plan, Projecting)
        return Folding(rebuilds, peer, followed, disturb(up, token, extent.disturbed) if extent.disturbed else [])


def _registered(data: Path) -> tuple[UUID, str]:
    with answering(data) as address:
        return board.log_in(address)


def _skip(up: Servers) -> None:
    """All projections go on at the end of the log: what they lack is not looked at, or is what the rebuild brings."""
    for build in builds.serving(up.connection).values():
        builds.start(up.connection, build, log.head(up.connection))
