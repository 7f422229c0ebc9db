"""Checks a history: the answers that clients received must agree with the contents of the log."""

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
    """The stream and version of an acknowledged command's event, and the position of its last event."""

    stream: UUID
    version: int
    position: int


CallOutcome: TypeAlias = Acknowledged | Literal["refused", "unknown"]


class Call(Struct, frozen=True):
    """One request with a command, and its outcome. A client that retries makes several calls with one title.

    No other command has the same title, so its event can be found in the log without trusting the keys and ids
    that the code under test returns. Times are read from one monotonic clock.
    """

    unique_title: str
    sent: float
    answered: float
    outcome: CallOutcome


class LogEntry(Struct, frozen=True):
    """An event as it is stored in the log."""

    position: int
    stream: UUID
    version: int
    command_id: UUID
    title: str | None = None


class CallHistory:
    """The calls of all clients of a test; any thread may record one."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.counts: Counter[str] = Counter()

    def record(self, unique_title: str, sent: float, outcome: CallOutcome) -> None:
        """Record an answer, or its absence, as of now."""
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
    """The title that an event sets."""
    if isinstance(event, TaskCreated):
        return event.title
    return event.title.new if isinstance(event, TaskRenamed) else None


def assert_consistent(calls: Sequence[Call], log: Iterable[LogEntry]) -> None:
    """Fail unless the log and the answers to all clients agree."""
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
    """Versions of a stream start at 1 without gaps, in the order of positions; positions are unique."""
    versions: Counter[UUID] = Counter()
    positions: set[int] = set()
    for entry in entries:
        versions[entry.stream] += 1
        assert entry.version == versions[entry.stream], f"not version {versions[entry.stream]} of its stream: {entry}"
        assert entry.position not in positions, f"a position used twice: {entry}"
        positions.add(entry.position)


def _acknowledgements(calls: Iterable[Call]) -> dict[str, Acknowledged]:
    """The place of each acknowledged command; all answers to it must agree."""
    places: dict[str, Acknowledged] = {}
    for call in calls:
        if isinstance(call.outcome, Acknowledged):
            place = places.setdefault(call.unique_title, call.outcome)
            assert place == call.outcome, f"acknowledged in two places: {call}, {place}"
    return places


def _assert_acknowledged_are_stored(places: Mapping[str, Acknowledged], entries: Sequence[LogEntry]) -> None:
    by_version = {(entry.stream, entry.version): entry for entry in entries}
    commands = {entry.position: entry.command_id for entry in entries}
    for title, place in places.items():
        entry = by_version.get((place.stream, place.version))
        assert entry is not None, f"{title!r} was acknowledged but is lost: {place}"
        assert entry.title == title, f"another event is stored instead of {title!r}: {entry}"
        here = commands.get(place.position) == entry.command_id and entry.position <= place.position
        assert here, f"{title!r} is not at the acknowledged position: {place}, {entry}"


def _assert_stored_were_sent_once(
    calls: Iterable[Call], places: Mapping[str, Acknowledged], found: Mapping[str, Sequence[LogEntry]]
) -> None:
    """Every stored title was sent, is stored once, and was not finally refused."""
    last = {call.unique_title: call.outcome for call in sorted(calls, key=lambda call: call.answered)}
    for title, entries in found.items():
        assert title in last, f"no client sent {title!r}: {entries}"
        assert len(entries) == 1, f"{title!r} is stored twice: {entries}"
        assert title in places or last[title] != "refused", f"{title!r} was refused but is stored: {entries}"


def _assert_real_time_order(calls: Iterable[Call], places: Mapping[str, Acknowledged]) -> None:
    """A command acknowledged before another was first sent has the lower position."""
    spans = list(_call_intervals(calls, places))
    answered = iter(sorted(spans, key=lambda span: span.answered))
    done, latest = next(answered, None), 0
    for span in sorted(spans, key=lambda span: span.sent):
        while done is not None and done.answered < span.sent:
            latest, done = max(latest, places[done.unique_title].position), next(answered, None)
        position = places[span.unique_title].position
        assert latest < position, f"{span.unique_title!r} at {position} was sent after {latest} was acknowledged"


def _call_intervals(calls: Iterable[Call], places: Mapping[str, Acknowledged]) -> Iterator[Call]:
    """The interval in which each acknowledged command took effect: from first sent to first acknowledged."""
    sent: dict[str, float] = {}
    answered: dict[str, float] = {}
    for call in calls:
        sent[call.unique_title] = min(call.sent, sent.get(call.unique_title, call.sent))
        if isinstance(call.outcome, Acknowledged):
            answered[call.unique_title] = min(call.answered, answered.get(call.unique_title, call.answered))
    return (Call(title, sent[title], answered[title], place) for title, place in places.items())
