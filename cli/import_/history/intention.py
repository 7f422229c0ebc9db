"""Intentions: what a reader finds in a file, as commands of our own, for whatever imports them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct, field

from commands.handling.command_on import CommandOn
from domain.column import Column


class Person(Struct, frozen=True):
    """A person of the file, by whatever it tells of them."""

    name: str
    username: str = ""
    email: str = ""


class Tick(Struct, frozen=True):
    """An item of a task's checklist, by its place, that is checked or unchecked."""

    target: UUID
    place: int
    done: bool


class Intention(Struct, frozen=True):
    """What a person did at a time; without a person, what the importing user does; without a time, now.

    `where` names the place in the file.
    """

    at: datetime | None
    actor: str | None
    commands: tuple[CommandOn | Tick, ...]
    where: str


class Beginning(Struct, frozen=True):
    """The board at the time at which what the file tells of it begins."""

    at: datetime
    actor: str | None
    name: str
    columns: tuple[Column, ...]


class Notes(Struct):
    """What a reader has to say of the file: values that it changed, and values that it cannot carry over, by field."""

    remarks: Counter[str] = field(default_factory=Counter)
    not_carried: Counter[str] = field(default_factory=Counter)
    corrections: Counter[str] = field(default_factory=Counter)
    """Values that the file has, and that no action of it tells of: set at the time of the import."""


class ImportedBoard(Struct, frozen=True):
    """A board of a file: how it begins, and the intentions in the order of their times, those of now last."""

    beginning: Beginning
    people: Mapping[str, Person]
    task_count: int
    intentions: Iterable[Intention]
    notes: Notes
