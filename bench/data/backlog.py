"""A backlog: 100,000 tasks of one workspace, in two languages, as the years of a company would leave them."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

from msgspec.structs import replace

from bench.data.history import Happened, Project
from bench.data.vocabulary import CUSTOMERS, LANGUAGES, sentence
from domain.member import MemberJoined, member_of
from domain.project import BOARD
from domain.task import Priority, TaskCompleted, TaskCreated
from domain.workspace import WorkspaceCreated
from infra.ids import new_id

PROJECTS, TASKS, PEOPLE = 50, 100_000, 40
DONE, ASSIGNED, SHARED, DATED, TIMED = 0.4, 0.75, 0.1, 0.55, 0.1
"""The shares of tasks that are done, are somebody's or somebody else's too, and are due some day or minute."""
FIRST_DAY, DAYS = date(2024, 1, 1), 1_000
"""Tasks were made on so many days; each may be due, or done, within `AHEAD` of them."""
AHEAD = 120
PRIORITIES = dict(zip(get_args(Priority), (40, 15, 25, 15, 5), strict=True))
LABELS = ("bug", "feature", "later", "billing", "docs", "security", "design", "ошибка", "срочно", "отчёт", "склад")
OPEN, CLOSED = BOARD[:2], BOARD[2]
_LABELLED = (40, 35, 20, 5)
"""Of a hundred tasks so many have no label, one, two, three."""


class Backlog:
    """Who and what there is; one user is among the people, and owns the workspace."""

    def __init__(self, user: UUID) -> None:
        self.people = [user, *(new_id() for _ in range(PEOPLE - 1))]
        self.workspace = new_id()
        self.projects = [Project(new_id(), self.workspace, f"R{number}") for number in range(PROJECTS)]

    def happening(self, count: int = TASKS) -> Iterator[Happened]:
        """All of it, the tasks in the order of their days; a seed of its own makes it the same in every run."""
        chance = random.Random(3)
        yield Happened(self.workspace, 1, WorkspaceCreated("Backlog"), self.workspace)
        for person in self.people:
            joined = MemberJoined(person, "owner" if person == self.people[0] else "member")
            yield Happened(member_of(self.workspace, person), 1, joined, self.workspace)
        for project in self.projects:
            yield from project.begun()
        large_first = [1 / (1 + at) ** 0.5 for at in range(PROJECTS)]
        for at, project in enumerate(chance.choices(self.projects, large_first, k=count)):
            yield from self._task(chance, project, _moment(chance, DAYS * at // count))

    def _task(self, chance: random.Random, project: Project, made: datetime) -> Iterator[Happened]:
        done = chance.random() < DONE
        column = CLOSED if done else chance.choice(OPEN)
        for one in project.task({"column": column.id, **self._told(chance, made)}):
            yield replace(one, at=made)
            if done and isinstance(one.event, TaskCreated):
                ended = made + timedelta(days=chance.randrange(1, AHEAD))
                yield Happened(one.stream, 2, TaskCompleted(project.id, column.id), self.workspace, ended)

    def _told(self, chance: random.Random, made: datetime) -> dict[str, Any]:
        words = chance.choice(LANGUAGES)
        return {
            "title": f"{sentence(chance, words, 2, 6)} {chance.choice(CUSTOMERS)}",
            "description": ". ".join(sentence(chance, words, 3, 9) for _ in range(chance.randrange(4))),
            "priority": chance.choices(tuple(PRIORITIES), tuple(PRIORITIES.values()))[0],
            "due": _due(chance, made),
            "labels": tuple(chance.sample(LABELS, chance.choices(range(4), _LABELLED)[0])),
            "assignees": self._assignees(chance),
        }

    def _assignees(self, chance: random.Random) -> Sequence[UUID]:
        if chance.random() >= ASSIGNED:
            return ()
        return tuple(chance.sample(self.people, 2 if chance.random() < SHARED else 1))


def day(at: int) -> date:
    """The day with that number, from 0."""
    return FIRST_DAY + timedelta(days=at)


def _moment(chance: random.Random, at: int) -> datetime:
    return datetime.combine(day(at), datetime.min.time(), UTC) + timedelta(seconds=chance.randrange(86_400))


def _due(chance: random.Random, made: datetime) -> str | None:
    """A day as a rule, and sometimes a minute of it."""
    if chance.random() >= DATED:
        return None
    due = (made + timedelta(days=chance.randrange(AHEAD))).replace(second=0)
    return due.isoformat() if chance.random() < TIMED else due.date().isoformat()
