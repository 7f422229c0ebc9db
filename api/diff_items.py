"""The items of a diff: documents that differ with their events, named, and said in sentences."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from api.diff_names import load_names, load_projects
from api.http.diff_page import DiffEvent, DiffField, DiffItem
from api.http.history_items import ActorInfo
from api.ledger import Ledger
from domain.diff import FieldChange
from domain.field_names import names_in
from domain.sentences.names import Names
from domain.sentences.wording import Language
from infra.log.history import EventHeading, load_headings
from projections.found_document import FoundDocument
from projections.moment import Moment


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
    key, title = found.name(names)
    own = [_event(events[at], names) for at in sorted({at for one in fields for at in one.events}) if at in events]
    return DiffItem(
        found.kind.name,
        found.changes.id,
        key,
        title,
        found.change,
        [DiffField(one.field, one.old, one.new, list(one.events)) for one in fields],
        own,
        found.sentences(language, fields, {at: event.actor for at, event in events.items()}, names),
    )


def _event(event: EventHeading, names: Names) -> DiffEvent:
    actor = event.actor
    info = ActorInfo(actor.kind, actor.id, names.people.get(str(actor.id)), actor.on_behalf_of)
    return DiffEvent(event.position, event.version, event.type, event.at, info, event.command_id, event.stream)
