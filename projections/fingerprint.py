"""The fingerprint of a projection: its version, and a digest of what its fold makes of the golden histories.

A process reads and folds the builds of its own fingerprint. So a changed fold never continues the table of the
earlier one, even if its version was not counted up.

A digest covers the golden lines that the version was released with (`golden_lines`). A release that adds an event
type adds lines, leaves the fingerprints of unchanged folds alone, and rebuilds nothing. During the deploy, old and
new code then share a build, and old code reads the new event as an `OpaqueEvent`. This is safe in three cases:

* The fold `accepts_unknown` events, and makes the same of this one whether it knows the type or not.
* Old code parks the document. Readers see it as it was, until a worker that knows the type folds it again.
* The event changes nothing: no document is there yet, or `keys` or `event_types` pass over it.

A fold for which the third case is wrong would lose the event without a trace: it needs a new version.
tests/projections/test_fingerprint.py checks this for all lines after `golden_lines`, and that no version changes
what it makes of any line that was ever released.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from domain import codec
from domain.event import Actor, RecordedEvent
from projections.projection import DocumentKey, Projection, all_projections
from projections.tsvector import vector_to_text

GOLDEN_PATH = Path(__file__).with_name("golden.jsonl")
"""Every event type ever written, in plausible histories, one event a line as the log stores it; append only."""


class _GoldenEvent(Struct, frozen=True):
    stream: UUID
    version: int
    type: str
    state: Raw
    actor: Actor
    command_id: UUID
    workspace_id: UUID | None
    at: datetime


def fingerprints() -> dict[str, str]:
    """The fingerprint of each projection, by name."""
    return {name: fingerprint(projection) for name, projection in all_projections().items()}


def code_fingerprint() -> str:
    """A digest of all fingerprints: equal for code whose folds are all equal."""
    return sha256(msgspec.json.encode(fingerprints())).hexdigest()[:16]


def fingerprint(projection: Projection[Any]) -> str:
    """`<version>-<digest>`."""
    return f"{projection.version}-{digest(projection)}"


@cache
def digest(projection: Projection[Any]) -> str:
    """A digest of the table, and of the documents that the golden lines of this version fold to."""
    documents = fold_history(projection, golden_history()[: projection.golden_lines])
    shape: tuple[object, ...] = (projection.row_type.__struct_fields__, projection.indexes)
    if projection.generated_columns:  # else the digest stays as it was released
        shape += (projection.generated_columns,)
    if past := projection.past:
        shape += (past.indexes, past.transient, [one.__name__ for one in past.purged_by])
    rows = sorted((str(key), document) for key, document in documents.items())
    return sha256(msgspec.json.encode((shape, rows), enc_hook=vector_to_text)).hexdigest()[:16]


@cache
def golden_history() -> tuple[RecordedEvent, ...]:
    """The golden histories, in log order."""
    lines = (msgspec.json.decode(line, type=_GoldenEvent) for line in GOLDEN_PATH.read_bytes().splitlines())
    return tuple(
        RecordedEvent(
            position,
            line.stream,
            line.version,
            codec.decode(line.type, bytes(line.state)),
            line.actor,
            line.command_id,
            line.workspace_id,
            line.at,
            line.at,
        )
        for position, line in enumerate(lines, 1)
    )


def fold_history(projection: Projection[Any], history: Iterable[RecordedEvent]) -> dict[DocumentKey, Any]:
    """Fold a history event by event; returns the documents by key."""
    documents: dict[DocumentKey, Any] = {}
    for recorded in history:
        for key in projection.keys(recorded):
            documents[key] = projection.fold(key, documents.get(key), recorded)
    return {key: document for key, document in documents.items() if document is not None}
