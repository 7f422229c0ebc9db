"""The sentences of a diff: what became of one document, in one language."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from domain.diff import DiffChange, FieldChange, Kind
from domain.event import Actor
from domain.sentences.english import ENGLISH
from domain.sentences.names import NamedChange, Names
from domain.sentences.russian import RUSSIAN
from domain.sentences.wording import CUSTOM_FIELD, UNSPOKEN_FIELDS, Language, Wording

WORDINGS: Final[Mapping[Language, Wording]] = {"en": ENGLISH, "ru": RUSSIAN}
_CUSTOM_PREFIX: Final = CUSTOM_FIELD.removesuffix("*")
_GONE_FIELDS: Final = frozenset({"trashed", "deleted"})


class Subject(Struct, frozen=True):
    """The document that sentences are about, with the project that it was and is in."""

    kind: Kind
    key: str
    title: str
    projects: tuple[str, str]


def sentences(  # noqa: PLR0913, PLR0917 - all that a sentence is made of
    language: Language,
    subject: Subject,
    change: DiffChange,
    fields: Sequence[FieldChange],
    actors: Mapping[int, Actor],
    names: Names,
) -> list[str]:
    """One sentence for each field that a reader cares about, or one about the whole document.

    `actors` are those of the events, by position.
    """
    wording = WORDINGS[language]
    about = wording.subjects[subject.kind](subject.key, subject.title)

    def by(positions: Collection[int]) -> str:
        found = [actors[position] for position in positions if position in actors]
        return wording.by([*dict.fromkeys(names.people.get(str(one.id)) or wording.someone[one.kind] for one in found)])

    if change != "changed":
        reason, positions = _reason(change, {one.field: one.events for one in fields})
        return [f"{about}: {wording.whole[subject.kind][reason](by(positions))}."]
    said = list(_field_sentences(wording, subject, fields, by, names))
    if not said:
        positions = [position for one in fields for position in one.events]
        said = [wording.whole[subject.kind]["changed_back"](by(sorted(positions)))]
    return [f"{about}: {text}." for text in said]


def _field_sentences(
    wording: Wording, subject: Subject, fields: Sequence[FieldChange], by: Any, names: Names
) -> Iterator[str]:
    for one in fields:
        custom = one.field.removeprefix(_CUSTOM_PREFIX) if one.field.startswith(_CUSTOM_PREFIX) else ""
        if one.field not in UNSPOKEN_FIELDS[subject.kind]:
            words = wording.fields[subject.kind][CUSTOM_FIELD if custom else one.field]
            yield words(NamedChange(one.old, one.new, by(one.events), names, subject.projects, custom))


def _reason(change: DiffChange, positions: Mapping[str, Sequence[int]]) -> tuple[str, Sequence[int]]:
    """Why a document is there, or is not, and the positions of the events that are the reason."""
    created = positions.get("id", ())
    if created:
        return "added", created
    trashed = [position for name in sorted(_GONE_FIELDS & positions.keys()) for position in positions[name]]
    if trashed:
        return ("restored" if change == "added" else "removed"), trashed
    return ("arrived" if change == "added" else "left"), positions.get("project_id", ())
