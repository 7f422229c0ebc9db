"""A lost race, told to the loser: what happened since the version that the wish was made on."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from commands.command import Command, Elsewhere, Given
from domain.errors import Refusal, VersionConflict
from domain.event import Event, Recorded, State, changes, fold

if TYPE_CHECKING:
    from commands.decision import Decision

SHOWN = 50
"""The most intervening events that an answer carries."""


class Late(Exception):
    """The wish names a version that the stream is not at: the history says what happened in between."""

    place: int = 0

    def __init__(self, command: Command[Any], decision: "Decision") -> None:
        super().__init__(decision.target)
        self.stream = decision.target
        self._command, self._given = command, decision

    def is_about(self, history: Sequence[Recorded]) -> bool:
        """Whether the decision was on the end of this history."""
        return self._given.seen[self.stream] == (history[-1].version if history else 0)

    def told(self, history: Sequence[Recorded]) -> VersionConflict:
        """The refusal, with the events since, the fields both sides changed, and the present state."""
        command, given = self._command, self._given
        version, expected = given.version(self.stream), command.expected_version or 0
        since = history[expected:]
        before = fold(command.about, (recorded.event for recorded in history[:expected]))
        now = given(command.about, self.stream)
        wanted, wanted_now = _wanted(before, command, given), _wanted(now, command, given)
        conflicting = sorted((wanted or set()) & _fields(recorded.event for recorded in since))
        conflict = VersionConflict(
            f"You expected version {expected}; the present version is {version}.",
            expected_version=expected,
            current_version=version,
            conflicting_fields=conflicting,
            rebase_possible=bool(since) and wanted is not None and wanted_now is not None and not conflicting,
            intervening_events=since[-SHOWN:],
            current=now,
        )
        conflict.place = self.place
        return conflict


def _wanted(state: State | None, command: Command[State], given: Given) -> set[str] | None:
    """The fields that the command would change on that state; None where a rule would say no."""
    try:
        decided = list(command.decide(state, given))
    except Refusal:
        return None
    return _fields(event for event in decided if not isinstance(event, Elsewhere))


def _fields(events: Iterable[Event]) -> set[str]:
    return {name for event in events for name in changes(event)}
