"""Query parameters of a diff: what is compared, and the two moments."""

from typing import Annotated, TypeAlias
from uuid import UUID

from msgspec import Meta, field
from msgspec.structs import asdict

from api.http.malformed_request import MalformedRequest
from api.http.parameters import PageQuery, Time
from commands.validation import FieldError, describe
from projections.diff import Scope
from projections.pagination import list_id_for

_Position: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_PAGING: frozenset[str] = frozenset(PageQuery.__struct_fields__)


class DiffQuery(PageQuery, frozen=True):
    """The parameters of a diff: each of the two moments is a time or a position, by default the beginning and now."""

    scope: Annotated[
        Annotated[Scope, Meta(examples=["project"])] | None,
        Meta(description="What to compare: a task, a project, or a workspace.", extra={"is_required": True}),
    ] = None
    id: Annotated[
        Annotated[str, Meta(max_length=100, examples=["KIT"])] | None,
        Meta(
            description="Its id, or the key of a task or project, such as KIT-12 or KIT.", extra={"is_required": True}
        ),
    ] = None
    from_: Time = field(default=None, name="from")
    to: Time = None
    from_position: Annotated[
        _Position | None, Meta(description="The first moment as a position of the log, instead of `from`.")
    ] = None
    to_position: Annotated[
        _Position | None, Meta(description="The second moment as a position of the log, instead of `to`.")
    ] = None

    @property
    def is_by_time(self) -> bool:
        """Whether it compares times; a time beside a position is the last position recorded up to it."""
        is_by_position = self.from_position is not None or self.to_position is not None
        return not is_by_position and (self.from_ is not None or self.to is not None)

    def require_target(self) -> tuple[Scope, str]:
        """The scope and what is named in it; raises MalformedRequest if one is missing, or a moment is named twice."""
        if self.from_ is not None and self.from_position is not None:
            raise MalformedRequest("two_moments", "Send from or from_position, not both.")
        if self.to is not None and self.to_position is not None:
            raise MalformedRequest("two_moments", "Send to or to_position, not both.")
        given = {"scope": self.scope, "id": self.id}
        errors = [FieldError(f"?{name}", "missing", "is missing") for name, value in given.items() if value is None]
        if self.scope is None or self.id is None:
            raise MalformedRequest("invalid_parameter", describe(errors), errors=errors)
        return self.scope, self.id

    def list_id(self, target: UUID) -> UUID:
        """The id of the list that a cursor belongs to."""
        return list_id_for(target, "diff", {name: one for name, one in asdict(self).items() if name not in _PAGING})
