"""Parameters of task lists: filter, sort, fields and count."""

from typing import Annotated, Literal

from litestar.params import QueryParameter
from msgspec import Meta, Struct

from api.http.expansion import EXPAND_DESCRIPTION, parse_expand
from api.http.parameters import CURSOR_DESCRIPTION, LIMIT_DESCRIPTION, MIN_POSITION_DESCRIPTION, require_cursor
from commands.validation import quoted, unknown_name_words
from domain.filter import parse
from projections.task_page import TASK_FIELDS, TaskPageOptions
from projections.task_sorting import TaskSort

FILTER_DESCRIPTION = (
    'Terms that a task must all meet, such as `status:open assignee:me due<today+7d -label:later "free text"`; `or` '
    "and parentheses combine them, `-` denies one or a group. Words match all their forms, `kitch*` all that begin so. "
    "Days are those of your time zone."
)
SORT_DESCRIPTION = (
    "The sort order; a leading `-` reverses it. `priority` begins with none, `due` ends with none in both directions; "
    "`rank` is the order of creation in a project, `key` is by project key, then number; `title` ignores case and "
    "accents; `relevance` is best first. "
    "Default: relevance if the filter has free text, else rank in a project and -updated across projects."
)
FIELDS_DESCRIPTION = "Only these members of each item, separated by commas."
COUNT_DESCRIPTION = "`exact`: return the number of items on all pages as `count`."
SIMILAR_DESCRIPTION = (
    "Also find tasks with similar words: each of at most six words, of 4 to 20 letters, may have one letter too "
    "many, missing, wrong, or swapped with the next. `similar` has their ids; by relevance, they come last."
)
FilterParam = Annotated[str, QueryParameter(description=FILTER_DESCRIPTION), Meta(extra={"refusal": parse})]


def parse_fields(text: str | None) -> tuple[str, ...]:
    """The members of a task named by a text, in the type's order; raises ValueError for unknown or repeated ones."""
    names = text.split(",") if text is not None else TASK_FIELDS
    for name in names:
        if name not in TASK_FIELDS or names.count(name) > 1:
            words = f"has {quoted(name)}, which {unknown_name_words(name, TASK_FIELDS)}"
            raise ValueError(words if name not in TASK_FIELDS else f"has {name} twice")
    return tuple(name for name in TASK_FIELDS if name in names)


class TaskSearch(Struct, frozen=True, forbid_unknown_fields=True):
    """A search: the same parameters that `GET /tasks` takes in its query."""

    filter: Annotated[
        str, Meta(description=FILTER_DESCRIPTION, examples=["status:open assignee:me"], extra={"refusal": parse})
    ] = ""
    sort: Annotated[TaskSort | None, Meta(description=SORT_DESCRIPTION, examples=["due"])] = None
    limit: Annotated[int, Meta(ge=1, le=200, description=LIMIT_DESCRIPTION)] = 50
    cursor: Annotated[
        Annotated[str, Meta(max_length=1_000)] | None,
        Meta(description=CURSOR_DESCRIPTION, extra={"refusal": require_cursor}),
    ] = None
    fields: Annotated[
        str | None, Meta(description=FIELDS_DESCRIPTION, examples=["id,title,due"], extra={"check": parse_fields})
    ] = None
    count: Annotated[Literal["exact"] | None, Meta(description=COUNT_DESCRIPTION)] = None
    similar: Annotated[bool, Meta(description=SIMILAR_DESCRIPTION)] = False
    expand: Annotated[
        str | None, Meta(description=EXPAND_DESCRIPTION, examples=["assignees"], extra={"check": parse_expand})
    ] = None
    min_position: Annotated[
        Annotated[int, Meta(ge=0, le=2**63 - 1)] | None, Meta(description=MIN_POSITION_DESCRIPTION)
    ] = None

    def __post_init__(self) -> None:
        """Raise ValueError for unknown or repeated members."""
        parse_fields(self.fields)
        parse_expand(self.expand)

    def options(self) -> TaskPageOptions:
        """What the page shows."""
        fields, is_counted = parse_fields(self.fields), self.count is not None
        return TaskPageOptions(self.filter, self.sort, self.limit, self.cursor, fields, is_counted, self.similar)

    def expanded(self) -> tuple[str, ...]:
        """The members that have names."""
        return parse_expand(self.expand)
