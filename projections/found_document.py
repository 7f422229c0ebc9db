"""A document that a diff found: the fields that differ, what it is called, and what became of it in sentences."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from domain import diff
from domain.diff import DiffChange, FieldChange
from domain.event import Actor
from domain.field_names import FieldNames
from domain.sentences.diff import Subject, sentences
from domain.sentences.names import Names
from domain.sentences.wording import Language
from projections.diff import DiffKind, DocumentChanges

_NO_NAME: Final = "…"


class FoundDocument(Struct, frozen=True):
    """A document that differs, and its kind."""

    kind: DiffKind
    changes: DocumentChanges

    def compare(self, names: FieldNames) -> list[FieldChange]:
        """The fields that differ, custom fields by name."""
        before, after = (state and self._flat(state, names) for state in (self.changes.before, self.changes.after))
        positions: dict[str, set[int]] = {}
        for name, changed in self.changes.positions.items():
            positions.setdefault(names.of_member(name), set()).update(changed)
        return diff.compare(before, after, {name: sorted(each) for name, each in positions.items()})

    def _flat(self, state: diff.Document, names: FieldNames) -> diff.Document:
        named = {name: names.of_values(state[name]) for name in self.kind.maps}
        return diff.flatten({**state, **named}, self.kind.maps)

    @property
    def change(self) -> DiffChange:
        if self.changes.before is None:
            return "added"
        return "removed" if self.changes.after is None else "changed"

    @property
    def states(self) -> list[diff.Document]:
        """What it was and became, as far as it was there."""
        return [state for state in (self.changes.before, self.changes.after) if state]

    def name(self, names: Names) -> tuple[str | None, str | None]:
        """Its key and title, or those of its task; None for a task that is gone."""
        state = self.states[-1]
        if self.kind.named_by:
            return state[self.kind.named_by[0]], state[self.kind.named_by[1]]
        task = names.tasks.get(state["task_id"])
        return (task.key, task.title) if task else (None, None)

    def sentences(
        self, language: Language, fields: Sequence[FieldChange], actors: Mapping[int, Actor], names: Names
    ) -> list[str]:
        """What became of it: these are the fields that differ, and the actors of the events that changed them."""
        key, title = self.name(names)
        projects = [state.get("project_id", "") for state in self.states]
        subject = Subject(self.kind.name, key or _NO_NAME, title or _NO_NAME, (projects[0], projects[-1]))
        return sentences(language, subject, self.change, fields, actors, names)
