"""A backlog: 100,000 tasks of one workspace in two languages, as a company collects them over years."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

from msgspec.structs import replace

from bench.data.history import ProjectEvents, StreamEvent
from bench.data.vocabulary import CUSTOMERS, LANGUAGES, sentence
from domain.column import DEFAULT_COLUMNS
from domain.member import MemberJoined, member_stream_id
from domain.task import Priority, TaskCompleted, TaskCreated
from domain.workspace import WorkspaceCreated
from infra.ids import new_id

PROJECT_COUNT, TASK_COUNT, MEMBER_COUNT = 50, 100_000, 40
DONE_SHARE, ASSIGNED_SHARE, TWO_ASSIGNEES_SHARE, DUE_SHARE, DUE_TIME_SHARE = 0.4, 0.75, 0.1, 0.55, 0.1
"""The shares of tasks that are done, are assigned (to two members), and are due (at a time, not only on a day)."""
FIRST_DAY, CREATION_DAYS = date(2024, 1, 1), 1_000
"""Tasks are created over this many days; each may be due, or done, within `MAX_DAYS_AHEAD` days of its creation."""
MAX_DAYS_AHEAD = 120
PRIORITY_WEIGHTS = dict(zip(get_args(Priority), (40, 15, 25, 15, 5), strict=True))
LABELS = ("bug", "feature", "later", "billing", "docs", "security", "design", "ошибка", "срочно", "отчёт", "склад")
OPEN_COLUMNS, DONE_COLUMN = DEFAULT_COLUMNS[:2], DEFAULT_COLUMNS[2]
_LABEL_COUNT_WEIGHTS = (40, 35, 20, 5)
"""Of a hundred tasks, how many have no label, one, two and three."""


class Backlog:
    """The members and projects of the workspace; `user` is one of the members and owns it."""

    def __init__(self, user: UUID) -> None:
        self.member_ids = [user, *(new_id() for _ in range(MEMBER_COUNT - 1))]
        self.workspace = new_id()
        self.projects = [ProjectEvents(new_id(), self.workspace, f"R{number}") for number in range(PROJECT_COUNT)]

    def generate_events(self, count: int = TASK_COUNT) -> Iterator[StreamEvent]:
        """Generate all events, with tasks in order of creation; a fixed seed makes them the same in every run."""
        rng = random.Random(3)
        yield StreamEvent(self.workspace, 1, WorkspaceCreated("Backlog"), self.workspace)
        for person in self.member_ids:
            joined = MemberJoined(person, "owner" if person == self.member_ids[0] else "member")
            yield StreamEvent(member_stream_id(self.workspace, person), 1, joined, self.workspace)
        for project in self.projects:
            yield from project.creation_events()
        large_first = [1 / (1 + at) ** 0.5 for at in range(PROJECT_COUNT)]
        for at, project in enumerate(rng.choices(self.projects, large_first, k=count)):
            yield from self._task_events(rng, project, _time_on_day(rng, CREATION_DAYS * at // count))

    def _task_events(self, rng: random.Random, project: ProjectEvents, created_at: datetime) -> Iterator[StreamEvent]:
        done = rng.random() < DONE_SHARE
        column = DONE_COLUMN if done else rng.choice(OPEN_COLUMNS)
        for one in project.task_events({"column": column.id, **self._task_fields(rng, created_at)}):
            yield replace(one, at=created_at)
            if done and isinstance(one.event, TaskCreated):
                ended = created_at + timedelta(days=rng.randrange(1, MAX_DAYS_AHEAD))
                yield StreamEvent(one.stream, 2, TaskCompleted(project.id, column.id), self.workspace, ended)

    def _task_fields(self, rng: random.Random, created_at: datetime) -> dict[str, Any]:
        words = rng.choice(LANGUAGES)
        return {
            "title": f"{sentence(rng, words, 2, 6)} {rng.choice(CUSTOMERS)}",
            "description": ". ".join(sentence(rng, words, 3, 9) for _ in range(rng.randrange(4))),
            "priority": rng.choices(tuple(PRIORITY_WEIGHTS), tuple(PRIORITY_WEIGHTS.values()))[0],
            "due": _due(rng, created_at),
            "labels": tuple(rng.sample(LABELS, rng.choices(range(4), _LABEL_COUNT_WEIGHTS)[0])),
            "assignees": self._assignees(rng),
        }

    def _assignees(self, rng: random.Random) -> Sequence[UUID]:
        if rng.random() >= ASSIGNED_SHARE:
            return ()
        return tuple(rng.sample(self.member_ids, 2 if rng.random() < TWO_ASSIGNEES_SHARE else 1))


def day(number: int) -> date:
    """The day with that number, from 0."""
    return FIRST_DAY + timedelta(days=number)


def _time_on_day(rng: random.Random, day_number: int) -> datetime:
    return datetime.combine(day(day_number), datetime.min.time(), UTC) + timedelta(seconds=rng.randrange(86_400))


def _due(rng: random.Random, created_at: datetime) -> str | None:
    """A due date, sometimes with a time, or None."""
    if rng.random() >= DUE_SHARE:
        return None
    due = (created_at + timedelta(days=rng.randrange(MAX_DAYS_AHEAD))).replace(second=0)
    return due.isoformat() if rng.random() < DUE_TIME_SHARE else due.date().isoformat()
