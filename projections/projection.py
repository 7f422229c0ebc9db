"""A projection: the documents that an event changes, the fold that changes them, and the table that stores them."""

import pkgutil
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from msgspec import Struct

import projections
from domain.event import Event, RecordedEvent

R = TypeVar("R", bound=Struct)
DocumentKey: TypeAlias = UUID | int


class Past(Struct, frozen=True):
    """What a projection keeps of the past: every version that a document had, with the time in which it was valid.

    An event of one of the types in `purged_by` deletes a document with its past. A change of `transient` fields alone
    makes no new version: past documents have them as they were at the end of their time. `indexes` are those of the
    table of past documents, beside the one by `id`: each the end of its name, and its text as in `Projection`.
    """

    purged_by: tuple[type[Event], ...] = ()
    indexes: tuple[tuple[str, str], ...] = ()
    transient: tuple[str, ...] = ()


class Projection(Struct, Generic[R], frozen=True):
    """A read model that a pure fold derives from the log.

    `keys` returns the keys of the documents that an event changes, all in the event's own workspace; `fold` returns a
    document after an event (None: there is none); `scopes` returns the ids by which cached answers with a document are
    invalidated. The table has a column for each field of `row_type`; the first, `id`, is its primary key.
    `generated_columns` are further columns, each a name and the text after `add column <name>`. `indexes` are the texts
    after `create index on <table>`. A fold that `accepts_unknown` events does not read their content; for any other
    fold, an unknown event parks the document. If only some event types change anything, `event_types` lists them, and
    batches skip the rest. With `past`, questions can be asked as of any time. `golden_lines` is the number of lines
    that `golden.jsonl` had when the version was raised; the fingerprint covers these.
    """

    name: str
    version: int
    row_type: type[R]
    keys: Callable[[RecordedEvent], Iterable[DocumentKey]]
    fold: Callable[[Any, R | None, RecordedEvent], R | None]
    scopes: Callable[[R], Iterable[UUID]]
    golden_lines: int
    indexes: tuple[str, ...] = ()
    accepts_unknown: bool = False
    generated_columns: tuple[tuple[str, str], ...] = ()
    event_types: tuple[type[Event], ...] = ()
    past: Past | None = None

    @property
    def is_by_stream(self) -> bool:
        """Whether each stream has one document, with its id: a rebuild can fold the log stream by stream."""
        return self.keys is key_by_stream or self.follows_touches

    @property
    def follows_touches(self) -> bool:
        """Whether events of other streams that touch a stream change its document too."""
        return self.keys is key_by_stream_and_touches


def key_by_stream(recorded: RecordedEvent) -> Iterable[UUID]:
    """The keys of a projection with one document per stream."""
    return (recorded.stream,)


def key_by_stream_and_touches(recorded: RecordedEvent) -> Iterable[UUID]:
    """The same, where an event also changes the documents of the streams that it touches."""
    return (recorded.stream, *recorded.event.touches())


def key_by_position(recorded: RecordedEvent) -> Iterable[int]:
    """The keys of a projection with one document per event."""
    return (recorded.position,)


def parse_key(document: str) -> DocumentKey:
    """Parse a key written as text; raises ValueError."""
    return UUID(document) if "-" in document else int(document)


@cache
def all_projections() -> dict[str, Projection[Any]]:
    """The `projection` of each module of this package that has one, by the projection's name."""
    modules = (import_module(f"projections.{found.name}") for found in pkgutil.iter_modules(projections.__path__))
    found = [module.projection for module in modules if hasattr(module, "projection")]
    return {projection.name: projection for projection in found}


def find_projection(name: str) -> Projection[Any] | None:
    """The projection of that name, which its module has too; the modules of the others are not imported."""
    if name not in {found.name for found in pkgutil.iter_modules(projections.__path__)}:
        return None
    found: Projection[Any] | None = getattr(import_module(f"projections.{name}"), "projection", None)
    return found
