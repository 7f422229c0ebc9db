"""An append as the database takes it: arrays for a group of commands in, an answer to each out."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from commands.handling.append import Accepted, Append, Changed, Kept, Replayed
from domain import codec
from infra.log.arrays import Bigints, Byteas, Ints, Texts, Uuids

APPEND = f"""select entry, positions, head, stale, key, fingerprint, outcome, first_workspace
    from log.append({", ".join(["%b"] * 22)})"""  # noqa: S608 - our own text
INSERT = "select positions from log.append(%s, %s, '{}', '{}', '{}', %s, %s, %s, %s, %s) where entry = 0"
"""Events whose versions are given: nothing was looked at, the primary key judges."""


class Group:
    """Commands to be appended together, as the columns that `log.append` takes: see there."""

    def __init__(self, appends: Sequence[Append]) -> None:
        self.appends = appends
        self._places: dict[UUID, int] = {}
        self._bases = Bigints()
        self._ahead: list[int] = [0]
        self._seen = (Ints(), Ints(), Bigints())
        self._events = (Ints(), Ints(), Bigints(), Texts(), Byteas())
        self._keys = (Ints(), Texts(), Ints(), Byteas(), Byteas())
        for entry, append in enumerate(appends, 1):
            self._look(entry, append)
            self._write(entry, append)

    @property
    def writes(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._events[0])

    def parameters(self) -> tuple[object, ...]:
        """All columns, in the order of the function's parameters."""
        return (
            Uuids(self._places),
            self._bases,
            *self._seen,
            *self._events,
            Uuids(append.command_id for append in self.appends),
            Uuids(append.actor.id for append in self.appends),
            Texts(append.actor.kind for append in self.appends),
            Uuids(append.actor.on_behalf_of for append in self.appends),
            Uuids(append.workspace_id for append in self.appends),
            Uuids(append.trace.correlation_id for append in self.appends),
            Texts(append.trace.causation_id for append in self.appends),
            *self._keys,
        )

    def answers(self, rows: Sequence[tuple[Any, ...]]) -> list[Accepted | Exception]:
        """One for each command, in their order."""
        others: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for row in rows:
            others[row[0]].append(row[1:])
        ((positions, head, *_),) = others[0]
        found: list[Accepted | Exception] = []
        at = 0
        for entry, append in enumerate(self.appends, 1):
            if entry in others:
                found.append(_other(others[entry]))
            else:
                at += len(append.events)
                found.append(Accepted(positions[at - 1] if append.events else head))
        return found

    def _look(self, entry: int, append: Append) -> None:
        entries, places, versions = self._seen
        for stream, version in append.seen.items():
            place = self._places.setdefault(stream, len(self._ahead))
            if place == len(self._ahead):
                self._bases.append(version)
                self._ahead.append(version)
            elif self._ahead[place] != version:
                self._bases[place - 1] = None  # they disagree: no version holds for all
                self._ahead[place] = version
            entries.append(entry)
            places.append(place)
            versions.append(version)

    def _write(self, entry: int, append: Append) -> None:
        entries, places, versions, topics, states = self._events
        for stream, event in append.events:
            place = self._places[stream]
            self._ahead[place] += 1
            entries.append(entry)
            places.append(place)
            versions.append(self._ahead[place])
            topics.append(codec.tag(event))
            states.append(codec.encode(event))
        last = len(entries) if append.events else 0
        for key, outcome in append.outcomes:
            self._keys[0].append(entry)
            self._keys[1].append(key.text)
            self._keys[2].append(last)
            self._keys[3].append(key.fingerprint)
            self._keys[4].append(outcome)


def _other(rows: Sequence[tuple[Any, ...]]) -> Accepted | Exception:
    """The answer to one that was not written: what it looked at has changed, or it was there before."""
    positions, head, stale = rows[0][:3]
    if stale is not None:
        return Changed(stale)
    if positions is not None:
        return Accepted(head)
    return Replayed(
        [Kept(key, fingerprint, outcome, at, workspace) for _, at, _, key, fingerprint, outcome, workspace in rows]
    )
