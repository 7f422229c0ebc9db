"""A wording: all that a language has to say of a diff."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from domain.diff import Kind
from domain.sentences.names import NamedChange

Language: TypeAlias = Literal["en", "ru"]
FieldWords: TypeAlias = Callable[[NamedChange], str]

CUSTOM_FIELD: Final = "fields.*"
"""Stands for each custom field of tasks."""
_MAX_EXCERPT_CHARACTERS: Final = 80
UNSPOKEN_FIELDS: Final[Mapping[Kind, frozenset[str]]] = {
    "project": frozenset({"id", "workspace_id", "key", "trashed", "created_at", "version", "updated_at"}),
    "task": frozenset(
        {"id", "workspace_id", "number", "trashed", "created_at", "created_by", "version", "updated_at"}
        | {"completed_at", "completed_by"}
    ),
    "comment": frozenset(
        {"id", "workspace_id", "task_id", "reply_to", "deleted", "created_at", "created_by", "version", "updated_at"}
        | {"mentions", "edited_at"}
    ),
}
"""Fields that never change while a document is there, or only together with another that says so."""


class Wording(Struct, frozen=True):
    """The words of a language.

    `subjects` name a document by the key and title of an item. `fields` say how a field changed. Of a whole
    document, `added`, `restored` and `arrived` say that it is there, `removed` and `left` that it is not,
    `changed_back` that it is what it was; each takes the words for those who did it, which `by` makes of their names.
    """

    subjects: Mapping[Kind, Callable[[str, str], str]]
    fields: Mapping[Kind, Mapping[str, FieldWords]]
    whole: Mapping[Kind, Mapping[str, Callable[[str], str]]]
    by: Callable[[Sequence[str]], str]
    someone: Mapping[str, str]
    """What an actor of each kind is called who has no name."""


def excerpt(text: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text[: _MAX_EXCERPT_CHARACTERS + 1].split())
    return line if len(text) <= _MAX_EXCERPT_CHARACTERS else f"{line[:_MAX_EXCERPT_CHARACTERS].rstrip()}…"
