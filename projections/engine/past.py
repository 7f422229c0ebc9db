"""The past of documents: a table of the versions that they no longer have, each with the time in which it was valid.

The table of a build says since when each of its documents is valid. One that changes is copied into the table of the
past, with the end of its time. So a new document costs nothing there, and what is valid now stays where it is.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, Final

from msgspec.structs import astuple
from psycopg.sql import SQL, Composed, Identifier

from domain.event import RecordedEvent
from projections.engine.builds import Build
from projections.engine.folding import DocumentChange
from projections.engine.pipeline import Pipeline, array_literal
from projections.projection import DocumentKey, Past, Projection

SINCE: Final = {"valid_from": "bigint", "valid_from_at": "timestamptz", "valid_by": "uuid"}
"""The columns that say since when a document is valid, by position and by time, and which user it is from."""
UNTIL: Final = {"valid_to": "bigint", "valid_to_at": "timestamptz"}
"""The columns that say until when a past document was valid: up to, and without, this position and time."""
_INDEX_BY_ID: Final = ("id", "(id, valid_to)")
_CLOSE = """insert into {past} ({columns}, valid_to, valid_to_at)
    select {columns}, ended.valid_to, ended.valid_to_at
    from unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) as ended (ended_id, valid_to, valid_to_at)
    join {table} on id = ended_id"""


def since(event: RecordedEvent) -> tuple[Any, ...]:
    """The values of the columns of `SINCE` for a version that begins with an event."""
    return event.position, event.at, event.actor.user_id


def until(event: RecordedEvent) -> tuple[Any, ...]:
    """The values of the columns of `UNTIL` for a version that ends with an event."""
    return event.position, event.at


def is_purged(past: Past, change: DocumentChange) -> bool:
    """Whether a document went with all its past."""
    return change.after is None and bool(change.steps) and type(change.steps[-1].event.event) in past.purged_by


def changes_the_past(past: Past, changes: Iterable[DocumentChange]) -> bool:
    """Whether an answer about the past may be another now: after a purge, or with what happened earlier."""
    return any(
        is_purged(past, change) or any(step.event.at != step.event.recorded_at for step in change.steps)
        for change in changes
    )


def past_rows(projection: Projection[Any], changes: Iterable[DocumentChange]) -> Iterator[tuple[Any, ...]]:
    """The versions that came and went within a batch."""
    for change in changes:
        if projection.past and len(change.steps) > 1 and not is_purged(projection.past, change):
            for this, following in pairwise(change.steps):
                if this.document is not None:
                    yield *astuple(this.document), *since(this.event), *until(following.event)


def close_versions(pipeline: Pipeline, build: Build, changes: Sequence[DocumentChange]) -> None:
    """Copy the documents that change into the past, before they do; delete the past of those that are purged."""
    past = build.projection.past
    if past is None:
        return
    purged = [change.key for change in changes if is_purged(past, change)]
    ended = [
        (change.key, *until(change.steps[0].event))
        for change in changes
        if change.before is not None and change.steps and not is_purged(past, change)
    ]
    if ended:
        keys, positions, times = zip(*ended, strict=True)
        pipeline.send(_close_statement(build), array_literal(keys), array_literal(positions), list(times))
    delete_versions(pipeline, build, purged)


def delete_versions(pipeline: Pipeline, build: Build, keys: Collection[DocumentKey]) -> None:
    """Delete the past of these documents, if it is kept."""
    if keys and build.projection.past:
        pipeline.send(_delete_statement(build), array_literal(keys))


def create_index_sql(build: Build) -> list[Composed]:
    """The statements that create the indexes of the past, if it is kept."""
    past = build.projection.past
    table = f"{build.projection.name}_{build.number}_past"
    return [
        SQL("create index {} on {} " + index).format(Identifier(f"{table}_{name}"), build.past_table_name)
        for name, index in ((_INDEX_BY_ID, *past.indexes) if past else ())
    ]


@cache
def _delete_statement(build: Build) -> bytes:
    return SQL("delete from {} where id = any($1)").format(build.past_table_name).as_bytes()


@cache
def _close_statement(build: Build) -> bytes:
    columns = SQL(", ").join(map(Identifier, (*build.projection.row_type.__struct_fields__, *SINCE)))
    return SQL(_CLOSE).format(past=build.past_table_name, table=build.table_name, columns=columns).as_bytes()
