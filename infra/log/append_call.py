"""The call that appends to the log: encodes a group of commands as arrays, and parses one result for each command."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from commands.handling.append import Append, AppendResult, WrongExpectedVersion
from commands.handling.idempotency import IdempotentReplay, StoredOutcome
from domain import codec
from infra.log.arrays import BigintArray, ByteaArray, IntArray, TextArray, UuidArray

_CALL = "select entry, positions, head, stale, key, fingerprint, outcome, first_workspace from log."
_CALL_APPEND = f"{_CALL}append({', '.join(['%b'] * 22)})"
_CALL_APPEND_TOUCHING = f"{_CALL}append_touching({', '.join(['%b'] * 24)})"
CALL_INSERT = "select positions from log.append(%s, %s, '{}', '{}', '{}', %s, %s, %s, %s, %s) where entry = 0"
"""Inserts events with given versions and expects none: only the primary key refuses a version that is taken."""


class AppendCall:
    """A group of commands to append together: the call, and its parameters as arrays."""

    def __init__(self, appends: Sequence[Append]) -> None:
        self.appends = appends
        self._stream_indexes: dict[UUID, int] = {}
        self._base_versions = BigintArray()
        self._versions_after: list[int] = [0]
        self._expected_arrays = (IntArray(), IntArray(), BigintArray())
        self._event_arrays = (IntArray(), IntArray(), BigintArray(), TextArray(), ByteaArray())
        self._key_arrays = (IntArray(), TextArray(), IntArray(), ByteaArray(), ByteaArray())
        self._touch_arrays = (IntArray(), UuidArray())
        for entry, append in enumerate(appends, 1):
            self._add_expected(entry, append)
            self._add_events(entry, append)

    @property
    def has_events(self) -> bool:
        """Whether any command of the group has events to write."""
        return bool(self._event_arrays[0])

    @property
    def sql(self) -> str:
        """The call of `log.append`, or of `log.append_touching` if an event touches documents of other streams."""
        return _CALL_APPEND_TOUCHING if self._touch_arrays[0] else _CALL_APPEND

    def parameters(self) -> tuple[object, ...]:
        """All arrays, in the order of the function's parameters."""
        return (
            UuidArray(self._stream_indexes),
            self._base_versions,
            *self._expected_arrays,
            *self._event_arrays,
            UuidArray(append.command_id for append in self.appends),
            UuidArray(append.actor.id for append in self.appends),
            TextArray(append.actor.kind for append in self.appends),
            UuidArray(append.actor.on_behalf_of for append in self.appends),
            UuidArray(append.workspace_id for append in self.appends),
            UuidArray(append.trace.correlation_id for append in self.appends),
            TextArray(append.trace.causation_id for append in self.appends),
            *self._key_arrays,
            *(self._touch_arrays if self._touch_arrays[0] else ()),
        )

    def parse_results(self, rows: Sequence[tuple[Any, ...]]) -> list[AppendResult | Exception]:
        """One result for each command, in the order of the group."""
        rows_by_entry: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for row in rows:
            rows_by_entry[row[0]].append(row[1:])
        ((positions, head, *_),) = rows_by_entry[0]
        results: list[AppendResult | Exception] = []
        at = 0
        for entry, append in enumerate(self.appends, 1):
            if entry in rows_by_entry:
                results.append(_parse_unwritten(rows_by_entry[entry]))
            else:
                at += len(append.events)
                results.append(AppendResult(positions[at - 1] if append.events else head))
        return results

    def _add_expected(self, entry: int, append: Append) -> None:
        entries, indexes, versions = self._expected_arrays
        for stream, version in append.expected_versions.items():
            index = self._stream_indexes.setdefault(stream, len(self._versions_after))
            if index == len(self._versions_after):
                self._base_versions.append(version)
                self._versions_after.append(version)
            elif self._versions_after[index] != version:
                self._base_versions[index - 1] = None  # two commands disagree: no version fits both
                self._versions_after[index] = version
            entries.append(entry)
            indexes.append(index)
            versions.append(version)

    def _add_events(self, entry: int, append: Append) -> None:
        entries, indexes, versions, topics, states = self._event_arrays
        for stream, event in append.events:
            index = self._stream_indexes[stream]
            self._versions_after[index] += 1
            entries.append(entry)
            indexes.append(index)
            versions.append(self._versions_after[index])
            topics.append(codec.stored_name_of(event))
            states.append(codec.encode(event))
            for document in event.touches():
                self._touch_arrays[0].append(len(entries))
                self._touch_arrays[1].append(document)
        last_event_index = len(entries) if append.events else 0
        for key, outcome in append.outcomes:
            self._key_arrays[0].append(entry)
            self._key_arrays[1].append(key.text)
            self._key_arrays[2].append(last_event_index)
            self._key_arrays[3].append(key.fingerprint)
            self._key_arrays[4].append(outcome)


def _parse_unwritten(rows: Sequence[tuple[Any, ...]]) -> AppendResult | Exception:
    """The result of a command that was not written: a stream that it read is stale, or it was appended before."""
    positions, head, stale = rows[0][:3]
    if stale is not None:
        return WrongExpectedVersion(stale)
    if positions is not None:
        return AppendResult(head)
    return IdempotentReplay(
        [
            StoredOutcome(key, fingerprint, outcome, at, workspace)
            for _, at, _, key, fingerprint, outcome, workspace in rows
        ]
    )
