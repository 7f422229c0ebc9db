"""A label: a name on tasks of a workspace, compared caselessly, and its colour."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Self
from unicodedata import normalize
from uuid import UUID, uuid5

from domain.event import Change, Event, State


class LabelColoured(Event, frozen=True):
    """On the label's guard stream, with the name as the client wrote it."""

    name: str
    colour: Change[str | None]


class Label(State, frozen=True):
    """The state of a label that decisions need; None until it is given a colour."""

    name: str
    colour: str | None

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        if state is None and isinstance(event, LabelColoured):
            return cls(event.name, event.colour.new)
        return super().evolve(state, event)


@lru_cache(maxsize=10_000)
def label_stream_id(workspace_id: UUID, name: str) -> UUID:
    """The guard stream of a label of a workspace, in any spelling."""
    return uuid5(workspace_id, f"label {normalize_label(name)}")


@lru_cache(maxsize=10_000)
def normalize_label(name: str) -> str:
    """The form by which labels are compared: case, composition, and the kind and number of spaces do not matter.

    This is canonical caseless matching, section 3.13 of the Unicode Standard.
    """
    return " ".join(normalize("NFC", normalize("NFD", name).casefold()).split())


def distinct_labels(names: Iterable[str]) -> tuple[str, ...]:
    """Each label once, in its first spelling."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(normalize_label(name), name)
    return tuple(first.values())


def remove_label(names: Iterable[str], name: str) -> tuple[str, ...]:
    """The labels without this one, in any spelling."""
    return tuple(one for one in names if normalize_label(one) != normalize_label(name))
