"""The items of a diff: documents that differ with their events, named, and said in sentences."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from api.diff_names import load_names, load_projects
from api.http.custom_field_names import FieldNames, names_in
from api.http.diff_page import DiffEvent, DiffField, DiffItem
from api.http.history_items import ActorInfo
from api.ledger import Ledger
from domain import diff
from domain.diff import DiffChange, FieldChange
from domain.sentences.diff import Subject, sentences
from domain.sentences.names import Names
from domain.sentences.wording import Language
from infra.log.history import EventHeading, load_headings
from projections.diff import DiffKind, DocumentChanges
from projections.moment import Moment

_NO_NAME = "…"


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


async def load_items(
    ledger: Ledger, workspace: UUID, found: Sequence[FoundDocument], language: Language, end: Moment
) -> list[DiffItem]:
    """Documents that differ as clients see them, in the same order; sentences omit the year of the end."""
    documents = [one.changes for one in found]
    projects = await load_projects(ledger, documents)
    field_names = names_in(projects.values())
    fields = [one.compare(field_names) for one in found]
    events = await load_headings(ledger.log, {at for each in fields for one in each for at in one.events})
    actors = {event.actor for event in events.values()}
    names = await load_names(ledger, workspace, documents, projects, actors, end.clock.year if end.clock else 0)
    return [_item(one, changed, events, names, language) for one, changed in zip(found, fields, strict=True)]


def _item(
    found: FoundDocument,
    fields: Sequence[FieldChange],
    events: Mapping[int, EventHeading],
    names: Names,
    language: Language,
) -> DiffItem:
    before, after = found.changes.before, found.changes.after
    change: DiffChange = "added" if before is None else "removed" if after is None else "changed"
    key, title = _name(found.kind, after or before or {}, names)
    own = [_event(events[at], names) for at in sorted({at for one in fields for at in one.events}) if at in events]
    projects = [(state or after or before or {}).get("project_id", "") for state in (before, after)]
    subject = Subject(found.kind.name, key or _NO_NAME, title or _NO_NAME, (projects[0], projects[1]))
    return DiffItem(
        found.kind.name,
        found.changes.id,
        key,
        title,
        change,
        [DiffField(one.field, one.old, one.new, list(one.events)) for one in fields],
        own,
        sentences(language, subject, change, fields, {at: event.actor for at, event in events.items()}, names),
    )


def _name(kind: DiffKind, state: diff.Document, names: Names) -> tuple[str | None, str | None]:
    """What an item is called: its key and title, or those of its task."""
    if kind.named_by:
        return state[kind.named_by[0]], state[kind.named_by[1]]
    task = names.tasks.get(state["task_id"])
    return (task.key, task.title) if task else (None, None)


def _event(event: EventHeading, names: Names) -> DiffEvent:
    actor = event.actor
    info = ActorInfo(actor.kind, actor.id, names.people.get(str(actor.id)), actor.on_behalf_of)
    return DiffEvent(event.position, event.version, event.type, event.at, info, event.command_id, event.stream)
