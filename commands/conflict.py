"""A lost race, told to the loser: what happened since the version that the wish was made on."""

from collections.abc import Iterable, Sequence

from commands.command import Command, Elsewhere, Given
from domain.errors import Refusal, VersionConflict
from domain.event import Event, Recorded, State, changes, fold

SHOWN = 50
"""The most intervening events that an answer carries."""


def version_conflict(
    history: Sequence[Recorded], version: int, command: Command[State], given: Given
) -> VersionConflict:
    """The refusal, with the events since, the fields both sides changed, and the present state."""
    expected = command.expected_version or 0
    since = history[expected:]
    before, now = (
        fold(command.about, (recorded.event for recorded in history[:expected])),
        given(command.about, given.target),
    )
    wanted, wanted_now = _wanted(before, command, given), _wanted(now, command, given)
    conflicting = sorted((wanted or set()) & _fields(recorded.event for recorded in since))
    return VersionConflict(
        f"You expected version {expected}; the present version is {version}.",
        expected_version=expected,
        current_version=version,
        conflicting_fields=conflicting,
        rebase_possible=bool(since) and wanted is not None and wanted_now is not None and not conflicting,
        intervening_events=since[-SHOWN:],
        current=now,
    )


def _wanted(state: State | None, command: Command[State], given: Given) -> set[str] | None:
    """The fields that the command would change on that state; None where a rule would say no."""
    try:
        decided = list(command.decide(state, given))
    except Refusal:
        return None
    return _fields(event for event in decided if not isinstance(event, Elsewhere))


def _fields(events: Iterable[Event]) -> set[str]:
    return {name for event in events for name in changes(event)}
