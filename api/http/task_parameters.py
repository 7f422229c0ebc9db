"""Parameters of task lists: filter, sort, fields and count."""

from typing import Annotated, Literal

from litestar.params import QueryParameter

from api.http.problems import MalformedRequest
from projections.task_page import TASK_FIELDS
from projections.task_sorting import TaskSort

FILTER_DESCRIPTION = (
    'Terms that hold all at once, such as `status:open assignee:me due<2026-12-01 -label:later "free text"`.'
)
SORT_DESCRIPTION = (
    "What to sort by, `-` before it for the other way round. `priority` begins with none, `due` ends with none both "
    "ways; `rank` is the order in which tasks were created in a project, `key` is by project key, then number; "
    "`relevance` is best first. If left out: relevance where there is free text, else rank in a project, -updated "
    "across projects."
)
FIELDS_DESCRIPTION = "Only these members of each item, with commas between them."
COUNT_DESCRIPTION = "`exact`: say in `count` how many there are on all pages."
FilterParam = Annotated[str, QueryParameter(description=FILTER_DESCRIPTION)]
SortParam = Annotated[TaskSort | None, QueryParameter(description=SORT_DESCRIPTION)]
FieldsParam = Annotated[str | None, QueryParameter(description=FIELDS_DESCRIPTION)]
CountParam = Annotated[Literal["exact"] | None, QueryParameter(description=COUNT_DESCRIPTION)]


def parse_fields_param(text: str | None) -> tuple[str, ...]:
    """The members of a task that a parameter names, in their order; raises Malformed."""
    try:
        return parse_fields(text)
    except ValueError as error:
        raise MalformedRequest("invalid_parameter", f"fields: {error}.", pointer="?fields") from error


def parse_fields(text: str | None) -> tuple[str, ...]:
    """The members of a task that a text names, in their order; raises ValueError for one that is none, or repeated."""
    names = text.split(",") if text is not None else TASK_FIELDS
    for name in names:
        if name not in TASK_FIELDS or names.count(name) > 1:
            msg = f"{name[:100]!r} is no field of a task" if name not in TASK_FIELDS else f"{name!r} is named twice"
            raise ValueError(msg)
    return tuple(name for name in TASK_FIELDS if name in names)
