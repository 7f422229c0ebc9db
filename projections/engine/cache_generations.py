"""Cache generations: part of each cache key; a scope gets a new one in the transaction that changes its rows.

A generation is a time in microseconds, or one more than the last if that is larger. So none is used twice, even if a
crash loses the last commits of a projection (they do not wait for the disk) or a projection is rebuilt. A build has a
generation as a whole too, which is bumped instead if a batch changes many scopes: a cache key uses the sum of both.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from psycopg.rows import TupleRow

from projections.engine.builds import WHOLE_BUILD_SCOPE, Build
from projections.engine.pipeline import Pipeline, array_literal

MAX_BUMPED_SCOPES = 500
"""Up to this many scopes are bumped one by one."""
_BUMP = b"""insert into read.generations as old (build, scope, generation)
    select build, scope, (extract(epoch from clock_timestamp()) * 1000000)::bigint
    from unnest($1::int[], $2::uuid[]) as changed (build, scope) order by build, scope
    on conflict (build, scope) do update set generation = greatest(old.generation + 1, excluded.generation)
    returning build, scope, generation"""


def bump(pipeline: Pipeline, changed: Mapping[Build, Collection[UUID]]) -> list[TupleRow]:
    """Give each scope of each build its next generation; `by_projection` sorts the rows."""
    pairs = [
        (build.number, scope)
        for build, scopes in changed.items()
        for scope in (scopes if len(scopes) <= MAX_BUMPED_SCOPES else (WHOLE_BUILD_SCOPE,))
    ]
    return pipeline.send(_BUMP, *map(array_literal, zip(*pairs, strict=True))) if pairs else []


def by_projection(changed: Mapping[Build, Collection[UUID]], bumped: Sequence[TupleRow]) -> dict[str, dict[UUID, int]]:
    """The new generations by projection and scope."""
    names = {build.number: build.projection.name for build in changed}
    found: dict[str, dict[UUID, int]] = {name: {} for name in names.values()}
    for number, scope, generation in bumped:
        found[names[number]][scope] = generation
    return found
