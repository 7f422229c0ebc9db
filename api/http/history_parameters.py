"""Query parameters of histories: which events to list."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta

from api.http.parameters import PageQuery, Time, parse_time
from commands.validation import suggestion
from domain import codec
from domain.custom_field import TaskFieldSet
from domain.event import ActorKind
from domain.history import HistoryFilter, known_fields


def _require_event_type(name: str) -> None:
    known = codec.all_event_types()
    if name not in known:
        meant = suggestion(name, list(known))
        raise ValueError("is no type of event" + (f": did you mean {meant}?" if meant else ""))


def _require_field(name: str) -> None:
    if name not in known_fields() and not name.startswith(f"{TaskFieldSet.changes_part_of}."):
        meant = suggestion(name, sorted(known_fields()))
        raise ValueError("is no field of an event" + (f": did you mean {meant}?" if meant else ""))


class EventQuery(PageQuery, frozen=True):
    """The parameters of a list of events."""

    actor: Annotated[UUID | None, Meta(description="Only events caused by this user or agent.")] = None
    kind: Annotated[ActorKind | None, Meta(description="Only events caused by actors of this kind.")] = None
    type: Annotated[
        str | None,
        Meta(description="Only events of this type, such as TaskCompleted.", extra={"check": _require_event_type}),
    ] = None
    since: Time = None
    until: Time = None

    def filters(self, **more: Any) -> HistoryFilter:
        """The filter that they ask for."""
        since, until = parse_time(self.since), parse_time(self.until)
        return HistoryFilter(self.actor, self.kind, self.type, since=since, until=until, **more)


class HistoryQuery(EventQuery, frozen=True):
    """The parameters of a history."""

    field: Annotated[
        Annotated[str, Meta(max_length=200)] | None,
        Meta(
            description="Only events that have this among their `changes`, such as `due`, or `fields.Size`.",
            extra={"check": _require_field},
        ),
    ] = None

    def filters(self, **more: Any) -> HistoryFilter:
        """The filter that they ask for."""
        return super().filters(field=self.field, **more)


class ActivityQuery(HistoryQuery, frozen=True):
    """The parameters of the activity of a workspace or a project."""

    command: Annotated[
        UUID | None, Meta(description="Only events that this command wrote, or that it directly caused.")
    ] = None
