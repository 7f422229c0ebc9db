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

PAGE_EVENTS = 5_000


class Acknowledged(Struct, frozen=True):
    """Where an acknowledged command left its mark, and the position of its last event."""

    stream: UUID
    version: int
    position: int


CallOutcome: TypeAlias = Acknowledged | Literal["refused", "unknown"]


class Call(Struct, frozen=True):
    """A command as a client sent it once, and what came back. Who retries makes several calls with one mark.

    The mark is a title that no other command gives, so that the log can be asked for it: what the code
    under test says of keys and ids is not taken as evidence. Times are of one monotonic clock.
    """

    unique_title: str
    sent: float
    answered: float
    outcome: CallOutcome


class LogEntry(Struct, frozen=True):
    """An event as the log has it."""

    position: int
    stream: UUID
    version: int
    command_id: UUID
    title: str | None = None


class CallHistory:
    """What all clients of a test saw; any thread may add."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.counts: Counter[str] = Counter()

    def record(self, unique_title: str, sent: float, outcome: CallOutcome) -> None:
        """An answer that came just now, or failed to."""
        self.calls.append(Call(unique_title, sent, time.monotonic(), outcome))
        self.counts[outcome if isinstance(outcome, str) else "acknowledged"] += 1


def read_log(connection: Connection[TupleRow]) -> list[LogEntry]:
    """The whole log, in the order of positions."""
    entries: list[LogEntry] = []
    while page := reading.load_after(connection, entries[-1].position if entries else 0, PAGE_EVENTS):
        entries += [
            LogEntry(one.position, one.stream, one.version, one.command_id, title_of(one.event)) for one in page
        ]
    return entries


def title_of(event: Event) -> str | None:
    """The title that an event gives."""
    if isinstance(event, TaskCreated):
        return event.title
    return event.title.new if isinstance(event, TaskRenamed) else None


def assert_consistent(calls: Sequence[Call], log: Iterable[LogEntry]) -> None:
    """Fail unless the log and the answers of all clients tell one story."""
    entries = sorted(log, key=lambda entry: entry.position)
    _assert_versions_are_contiguous(entries)
    found: dict[str, list[LogEntry]] = defaultdict(list)
    for entry in entries:
        if entry.title is not None:
            found[entry.title].append(entry)
    places = _acknowledgements(calls)
    _assert_acknowledged_are_stored(places, entries)
    _assert_stored_were_sent_once(calls, places, found)
    _assert_real_time_order(calls, places)


def _assert_versions_are_contiguous(entries: Sequence[LogEntry]) -> None:
    """From 1, without gaps, in the order of positions, each position once."""
    versions: Counter[UUID] = Counter()
    positions: set[int] = set()
    for entry in entries:
        versions[entry.stream] += 1
        assert entry.version == versions[entry.stream], f"not version {versions[entry.stream]} of its stream: {entry}"
        assert entry.position not in positions, f"a position taken twice: {entry}"
        positions.add(entry.position)


def _acknowledgements(calls: Iterable[Call]) -> dict[str, Acknowledged]:
    """Where each acknowledged command is said to be: every answer says the same."""
    places: dict[str, Acknowledged] = {}
    for call in calls:
        if isinstance(call.outcome, Acknowledged):
            place = places.setdefault(call.unique_title, call.outcome)
            assert place == call.outcome, f"acknowledged at two places: {call}, {place}"
    return places


def _assert_acknowledged_are_stored(places: Mapping[str, Acknowledged], entries: Sequence[LogEntry]) -> None:
    by_version = {(entry.stream, entry.version): entry for entry in entries}
    commands = {entry.position: entry.command_id for entry in entries}
    for mark, place in places.items():
        entry = by_version.get((place.stream, place.version))
        assert entry is not None, f"{mark!r} was acknowledged and is lost: {place}"
        assert entry.title == mark, f"in the place of {mark!r} stands {entry}"
        here = commands.get(place.position) == entry.command_id and entry.position <= place.position
        assert here, f"{mark!r} is not where it was said to be: {place}, {entry}"


def _assert_stored_were_sent_once(
    calls: Iterable[Call], places: Mapping[str, Acknowledged], found: Mapping[str, Sequence[LogEntry]]
) -> None:
    """Whatever is there was sent, is there once, and was not refused in the end."""
    last = {call.unique_title: call.outcome for call in sorted(calls, key=lambda call: call.answered)}
    for mark, entries in found.items():
        assert mark in last, f"nobody sent {mark!r}: {entries}"
        assert len(entries) == 1, f"{mark!r} happened twice: {entries}"
        assert mark in places or last[mark] != "refused", f"{mark!r} was refused and is there: {entries}"


def _assert_real_time_order(calls: Iterable[Call], places: Mapping[str, Acknowledged]) -> None:
    """What was acknowledged before another command was first sent has the lower position."""
    spans = list(_call_intervals(calls, places))
    answered = iter(sorted(spans, key=lambda span: span.answered))
    done, latest = next(answered, None), 0
    for span in sorted(spans, key=lambda span: span.sent):
        while done is not None and done.answered < span.sent:
            latest, done = max(latest, places[done.unique_title].position), next(answered, None)
        position = places[span.unique_title].position
        assert latest < position, f"{span.unique_title!r} at {position} was sent after {latest} was acknowledged"


def _call_intervals(calls: Iterable[Call], places: Mapping[str, Acknowledged]) -> Iterator[Call]:
    """For each acknowledged command the time in which it happened: first sent to first acknowledged."""
    sent: dict[str, float] = {}
    answered: dict[str, float] = {}
    for call in calls:
        sent[call.unique_title] = min(call.sent, sent.get(call.unique_title, call.sent))
        if isinstance(call.outcome, Acknowledged):
            answered[call.unique_title] = min(call.answered, answered.get(call.unique_title, call.answered))
    return (Call(mark, sent[mark], answered[mark], place) for mark, place in places.items())
