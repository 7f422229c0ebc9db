"""A history: what clients were told of their commands, held against what the log says of them."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias
from uuid import UUID

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.event import Event
from domain.task import TaskCreated, TaskRenamed
from infra import log as reading

PAGE = 5_000


class Place(Struct, frozen=True):
    """Where an acknowledged command left its mark, and the position of its last event."""

    stream: UUID
    version: int
    position: int


Outcome: TypeAlias = Place | Literal["refused", "unknown"]


class Call(Struct, frozen=True):
    """A command as a client sent it once, and what came back. Who retries makes several calls with one mark.

    The mark is a title that no other command gives, so that the log can be asked for it: what the code
    under test says of keys and ids is not taken as evidence. Times are of one monotonic clock.
    """

    mark: str
    sent: float
    answered: float
    outcome: Outcome


class Entry(Struct, frozen=True):
    """An event as the log has it."""

    position: int
    stream: UUID
    version: int
    command_id: UUID
    mark: str | None = None


class Notes:
    """What all clients of a test saw; any thread may add."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.count: Counter[str] = Counter()

    def add(self, mark: str, sent: float, outcome: Outcome) -> None:
        """An answer that came just now, or failed to."""
        self.calls.append(Call(mark, sent, time.monotonic(), outcome))
        self.count[outcome if isinstance(outcome, str) else "acknowledged"] += 1


def read(connection: Connection[TupleRow]) -> list[Entry]:
    """The whole log, in the order of positions."""
    entries: list[Entry] = []
    while page := reading.load_after(connection, entries[-1].position if entries else 0, PAGE):
        entries += [Entry(one.position, one.stream, one.version, one.command_id, mark_of(one.event)) for one in page]
    return entries


def mark_of(event: Event) -> str | None:
    """The title that an event gives."""
    if isinstance(event, TaskCreated):
        return event.title
    return event.title.new if isinstance(event, TaskRenamed) else None


def assert_consistent(calls: Sequence[Call], log: Iterable[Entry]) -> None:
    """Fail unless the log and the answers of all clients tell one story."""
    entries = sorted(log, key=lambda entry: entry.position)
    _assert_versions_are_contiguous(entries)
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.mark is not None:
            found[entry.mark].append(entry)
    places = _places(calls)
    _assert_acknowledged_are_there(places, entries)
    _assert_nothing_else_is(calls, places, found)
    _assert_nothing_overtakes(calls, places)


def _assert_versions_are_contiguous(entries: Sequence[Entry]) -> None:
    """From 1, without gaps, in the order of positions, each position once."""
    versions: Counter[UUID] = Counter()
    positions: set[int] = set()
    for entry in entries:
        versions[entry.stream] += 1
        assert entry.version == versions[entry.stream], f"not version {versions[entry.stream]} of its stream: {entry}"
        assert entry.position not in positions, f"a position taken twice: {entry}"
        positions.add(entry.position)


def _places(calls: Iterable[Call]) -> dict[str, Place]:
    """Where each acknowledged command is said to be: every answer says the same."""
    places: dict[str, Place] = {}
    for call in calls:
        if isinstance(call.outcome, Place):
            place = places.setdefault(call.mark, call.outcome)
            assert place == call.outcome, f"acknowledged at two places: {call}, {place}"
    return places


def _assert_acknowledged_are_there(places: Mapping[str, Place], entries: Sequence[Entry]) -> None:
    by_version = {(entry.stream, entry.version): entry for entry in entries}
    commands = {entry.position: entry.command_id for entry in entries}
    for mark, place in places.items():
        entry = by_version.get((place.stream, place.version))
        assert entry is not None, f"{mark!r} was acknowledged and is lost: {place}"
        assert entry.mark == mark, f"in the place of {mark!r} stands {entry}"
        here = commands.get(place.position) == entry.command_id and entry.position <= place.position
        assert here, f"{mark!r} is not where it was said to be: {place}, {entry}"


def _assert_nothing_else_is(
    calls: Iterable[Call], places: Mapping[str, Place], found: Mapping[str, Sequence[Entry]]
) -> None:
    """Whatever is there was sent, is there once, and was not refused in the end."""
    last = {call.mark: call.outcome for call in sorted(calls, key=lambda call: call.answered)}
    for mark, entries in found.items():
        assert mark in last, f"nobody sent {mark!r}: {entries}"
        assert len(entries) == 1, f"{mark!r} happened twice: {entries}"
        assert mark in places or last[mark] != "refused", f"{mark!r} was refused and is there: {entries}"


def _assert_nothing_overtakes(calls: Iterable[Call], places: Mapping[str, Place]) -> None:
    """What was acknowledged before another command was first sent has the lower position."""
    spans = list(_spans(calls, places))
    answered = iter(sorted(spans, key=lambda span: span.answered))
    done, latest = next(answered, None), 0
    for span in sorted(spans, key=lambda span: span.sent):
        while done is not None and done.answered < span.sent:
            latest, done = max(latest, places[done.mark].position), next(answered, None)
        position = places[span.mark].position
        assert latest < position, f"{span.mark!r} at {position} was sent after {latest} was acknowledged"


def _spans(calls: Iterable[Call], places: Mapping[str, Place]) -> Iterator[Call]:
    """For each acknowledged command the time in which it happened: first sent to first acknowledged."""
    sent: dict[str, float] = {}
    answered: dict[str, float] = {}
    for call in calls:
        sent[call.mark] = min(call.sent, sent.get(call.mark, call.sent))
        if isinstance(call.outcome, Place):
            answered[call.mark] = min(call.answered, answered.get(call.mark, call.answered))
    return (Call(mark, sent[mark], answered[mark], place) for mark, place in places.items())
