"""How many events of a project there were in each of equal spans of time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from msgspec import Struct, field

from projections.activity import IN_PROJECT_SQL, ActivityScope, question
from projections.pagination import encode_answer
from projections.question import Answer, Query, Question

_COUNT_SQL: Final = f"""select width_bucket(at, %(starts)s::timestamptz[]) as bucket, count(*) as events
    from {{activity}} where workspace_id = %(workspace)s and {IN_PROJECT_SQL} and at >= %(from)s and at < %(to)s
    group by 1"""  # noqa: S608 - our own text


class ActivityDensity(Struct, frozen=True):
    """The number of events in each of equal spans of time between two times, `from` included and `to` not."""

    from_: datetime = field(name="from")
    to: datetime
    counts: list[int]


class _Count(Struct, frozen=True):
    bucket: int
    events: int


def by_time(scope: ActivityScope, start: datetime, end: datetime, buckets: int) -> Question:
    """The number of events of a project in each of that many spans between two times, the first of which is earlier."""
    starts = bucket_starts(start, end, buckets)
    parameters: dict[str, object] = {
        "workspace": scope.workspace_id,
        "project": scope.project_id,
        "from": start,
        "to": end,
        "starts": starts,
    }
    answer = partial(_density_answer, start, end, buckets)
    return question(scope, "density", Query(_COUNT_SQL, _Count), parameters, answer)


def bucket_starts(start: datetime, end: datetime, buckets: int) -> list[datetime]:
    """When each of equal spans begins, to the microsecond."""
    span = (end - start) // timedelta.resolution
    return [start + timedelta(microseconds=span * number // buckets) for number in range(buckets)]


def _density_answer(start: datetime, end: datetime, buckets: int, rows: Sequence[_Count]) -> Answer:
    counts = [0] * buckets
    for row in rows:
        counts[row.bucket - 1] = row.events
    return encode_answer(ActivityDensity(start, end, counts))
