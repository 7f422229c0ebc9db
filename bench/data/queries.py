"""The questions about a backlog: pages of it under filters and in orders that people ask for, none of them twice."""

import random
from collections.abc import Iterator
from urllib.parse import quote, urlencode

from msgspec import Struct

from bench.data.backlog import DAYS, LABELS, OPEN, PRIORITIES, Backlog, day
from bench.data.vocabulary import CUSTOMERS, LANGUAGES

LIMIT = 50
DEPTHS = (0, 0, 0, 1, 2, 3)
"""So many steps into its list a page begins, as likely as each stands here."""
EVERYWHERE = (
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
"""Filters across the workspace, each with the order that it is asked in; none is the usual one."""
IN_A_PROJECT = (
    ("status:open column:{column} created<{day}", "rank"),
    ("status:open assignee:{person}", "due"),
    ("label:{label} created>={day}", "priority"),
    ("-status:done due<{day}", "-updated"),
    ("{word} {customer}", ""),
    ("{word}", "-created"),
)


class Question(Struct, frozen=True):
    """A list of tasks, and how many steps into it the page begins."""

    path: str
    filter: str
    sort: str
    depth: int

    def address(self, limit: int = LIMIT, cursor: str = "") -> str:
        """Where a page of it is asked for."""
        named = {"filter": self.filter, "sort": self.sort, "limit": str(limit), "cursor": cursor}
        return f"{self.path}?{urlencode({name: value for name, value in named.items() if value}, quote_via=quote)}"


def questions(backlog: Backlog, count: int) -> list[Question]:
    """So many, of all kinds in turns; a seed of their own makes them the same for the same backlog."""
    found: dict[str, Question] = {}
    asked = _asked(backlog, random.Random(5))
    while len(found) < count:
        one = next(asked)
        found.setdefault(one.address(), one)
    return list(found.values())


def _asked(backlog: Backlog, chance: random.Random) -> Iterator[Question]:
    """For ever, and now and then the same again."""
    while True:
        for filter_, sort in EVERYWHERE:
            yield Question("/api/v1/tasks", _filled(filter_, backlog, chance), sort, chance.choice(DEPTHS))
        for filter_, sort in IN_A_PROJECT:
            path = f"/api/v1/projects/{chance.choice(backlog.projects).id}/tasks"
            yield Question(path, _filled(filter_, backlog, chance), sort, chance.choice(DEPTHS))


def _filled(filter_: str, backlog: Backlog, chance: random.Random) -> str:
    return filter_.format(
        person=chance.choice(backlog.people),
        project=chance.choice(backlog.projects).key,
        label=chance.choice(LABELS),
        priority=chance.choice(tuple(PRIORITIES)),
        column=chance.choice(OPEN).id,
        day=day(chance.randrange(DAYS)),
        word=chance.choice(chance.choice(LANGUAGES)),
        customer=chance.choice(CUSTOMERS),
    )
