"""The fingerprint of a projection: its version, and a digest of what its fold makes of the golden histories.

Processes read and feed the build of their own fingerprint. So a fold that answers otherwise than before never
continues a table that the earlier one began, even where somebody forgot to count the version up.
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

GOLDEN_PATH = Path(__file__).with_name("golden.jsonl")
"""Every event ever written, in sensible histories, as the log holds them; only ever added to."""


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
    """That of each projection, by its name."""
    return {name: fingerprint(projection) for name, projection in all_projections().items()}


def code_fingerprint() -> str:
    """What tells this code from other code that folds anything otherwise."""
    return sha256(msgspec.json.encode(fingerprints())).hexdigest()[:16]


def fingerprint(projection: Projection[Any]) -> str:
    """`<version>-<digest>`."""
    return f"{projection.version}-{digest(projection)}"


@cache
def digest(projection: Projection[Any]) -> str:
    """Of the documents that the golden histories fold to, and of the table that they stand in."""
    documents = fold_history(projection, golden_history())
    shape: tuple[object, ...] = (projection.row_type.__struct_fields__, projection.indexes)
    if projection.generated_columns:  # others keep the digests that they were released with
        shape += (projection.generated_columns,)
    rows = sorted((str(key), document) for key, document in documents.items())
    return sha256(msgspec.json.encode((shape, rows))).hexdigest()[:16]


@cache
def golden_history() -> tuple[RecordedEvent, ...]:
    """The golden histories, in the order of the log."""
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
    """The documents of a history, one event after the other."""
    documents: dict[DocumentKey, Any] = {}
    for recorded in history:
        for key in projection.keys(recorded):
            documents[key] = projection.fold(key, documents.get(key), recorded)
    return {key: document for key, document in documents.items() if document is not None}
