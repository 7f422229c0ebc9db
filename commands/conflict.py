"""A lost race, told to the loser: what happened since the version that the wish was made on."""

from collections.abc import Iterable, Sequence

from commands.command import Command, Elsewhere, Given
from domain.errors import Refusal, VersionConflict
from domain.event import Event, Recorded, State, changes, fold

SHOWN = 50
"""The most intervening events that an answer carries."""


def version_conflict(history: Sequence[Recorded], command: Command[State], given: Given) -> VersionConflict:
    """The refusal, with the events since, the fields both sides changed, and the present state."""
    expected = command.expected_version or 0
    since = history[expected:]
    wanted = _wanted(history[:expected], command, given)
    conflicting = sorted(wanted & _fields(recorded.event for recorded in since))
    return VersionConflict(
        f"You expected version {expected}; the present version is {len(history)}.",
        expected_version=expected,
        current_version=len(history),
        conflicting_fields=conflicting,
        rebase_possible=bool(since) and not conflicting,
        intervening_events=since[-SHOWN:],
        current=fold(command.about, (recorded.event for recorded in history)),
    )


def _wanted(history: Sequence[Recorded], command: Command[State], given: Given) -> set[str]:
    """The fields that the command would have changed on the state that it was made on."""
    try:
        decided = list(command.decide(fold(command.about, (recorded.event for recorded in history)), given))
    except Refusal:
        return set()
    return _fields(event for event in decided if not isinstance(event, Elsewhere))


def _fields(events: Iterable[Event]) -> set[str]:
    return {name for event in events for name in changes(event)}
