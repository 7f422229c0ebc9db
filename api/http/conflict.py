"""A lost race over HTTP: 409 or 412, with what happened in between."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from api.http import history
from api.http.problems import Lost
from domain import codec
from domain.errors import VersionConflict
from domain.event import Recorded, State
from infra.log import EventLog

_FOR_RULES = {"removed", "purged"}


async def lost(log: EventLog, stream: UUID, conflict: VersionConflict, *, by_header: bool) -> Lost:
    """The answer for the loser: 412 where `If-Match` named the version, else 409."""
    since: Sequence[Recorded] = conflict.params["intervening_events"]
    names = await history.names_of(log, {recorded.actor for recorded in since})
    told = [
        {
            "version": recorded.version,
            "type": codec.tag(recorded.event),
            "actor": history.who(recorded.actor, names),
            "at": recorded.at,
            "fields": list(history.shown(recorded)),
        }
        for recorded in since
    ]
    version, state = conflict.params["current_version"], conflict.params["current"]
    current = {"id": stream, "version": version, **_shown(state)} if state else None
    return Lost(
        conflict, 412 if by_header else 409, {**conflict.params, "intervening_events": told, "current": current}
    )


def _shown(state: State) -> dict[str, Any]:
    """The present state, without what only the rules ask for."""
    return {name: value for name, value in msgspec.structs.asdict(state).items() if name not in _FOR_RULES}
