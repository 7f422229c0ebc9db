"""Queries on a backlog: distinct pages of tasks, with filters and sort orders that people use."""

import random
from collections.abc import Iterator
from urllib.parse import quote, urlencode

from msgspec import Struct

from bench.data.backlog import CREATION_DAYS, LABELS, OPEN_COLUMNS, PRIORITY_WEIGHTS, Backlog, day
from bench.data.vocabulary import CUSTOMERS, LANGUAGES

PAGE_SIZE = 50
DEPTHS = (0, 0, 0, 1, 2, 3)
"""How many steps into its list a page begins; each entry is equally likely."""
WORKSPACE_FILTERS = (
    ("status:open assignee:{person}", "due"),
    ("status:open label:{label} created>={day}", "-priority"),
    ("status:open priority>={priority} due<{day}", "due"),
    ("status:open project:{project} assignee:{person}", "-updated"),
    ("{customer}", ""),
    ("{word} status:open", ""),
    ("{word} -label:{label} created<{day}", "-created"),
    ("created>={day} assignee:none", "-created"),
    ("status:done updated<{day}", "-updated"),
    ("priority:{priority} -label:{label} created>={day}", "key"),
    ("due:none assignee:{person} label:{label}", "created"),
    ("status:open assignee:me due>={day}", "-due"),
)
"""Filters across the workspace, each with its sort order; an empty one is the default."""
PROJECT_FILTERS = (
    ("status:open column:{column} created<{day}", "rank"),
    ("status:open assignee:{person}", "due"),
    ("label:{label} created>={day}", "priority"),
    ("-status:done due<{day}", "-updated"),
    ("{word} {customer}", ""),
    ("{word}", "-created"),
)


class PageQuery(Struct, frozen=True):
    """A list of tasks, and how many steps into it the page begins."""

    path: str
    filter: str
    sort: str
    depth: int

    def request_path(self, limit: int = PAGE_SIZE, cursor: str = "") -> str:
        """The path and query string of a page."""
        named = {"filter": self.filter, "sort": self.sort, "limit": str(limit), "cursor": cursor}
        return f"{self.path}?{urlencode({name: value for name, value in named.items() if value}, quote_via=quote)}"


def generate_queries(backlog: Backlog, count: int) -> list[PageQuery]:
    """Generate `count` distinct queries of all kinds in turn; a fixed seed makes them the same for the same backlog."""
    found: dict[str, PageQuery] = {}
    asked = _random_queries(backlog, random.Random(5))
    while len(found) < count:
        one = next(asked)
        found.setdefault(one.request_path(), one)
    return list(found.values())


def _random_queries(backlog: Backlog, rng: random.Random) -> Iterator[PageQuery]:
    """Generate queries without end, sometimes repeating one."""
    while True:
        for filter_, sort in WORKSPACE_FILTERS:
            yield PageQuery("/api/v1/tasks", _fill_filter(filter_, backlog, rng), sort, rng.choice(DEPTHS))
        for filter_, sort in PROJECT_FILTERS:
            path = f"/api/v1/projects/{rng.choice(backlog.projects).id}/tasks"
            yield PageQuery(path, _fill_filter(filter_, backlog, rng), sort, rng.choice(DEPTHS))


def _fill_filter(filter_: str, backlog: Backlog, rng: random.Random) -> str:
    return filter_.format(
        person=rng.choice(backlog.member_ids),
        project=rng.choice(backlog.projects).key,
        label=rng.choice(LABELS),
        priority=rng.choice(tuple(PRIORITY_WEIGHTS)),
        column=rng.choice(OPEN_COLUMNS).id,
        day=day(rng.randrange(CREATION_DAYS)),
        word=rng.choice(rng.choice(LANGUAGES)),
        customer=rng.choice(CUSTOMERS),
    )
