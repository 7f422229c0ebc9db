"""Parameters of pages of tasks: filter, sort, fields and count."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from api.http.expansion import Expand, parse_expand
from api.http.parameters import AsOf, AtPosition, Cursor, Limit, MinPosition
from commands.validation import NotOneOf, quoted, unknown_name_words
from domain.filter import parse
from projections.task_page import TASK_FIELDS, TaskPageOptions
from projections.task_sorting import TASK_SORTS, sort_field

_FILTER_DESCRIPTION = (
    'Terms that a task must all meet, such as `status:open assignee:me due<today+7d -label:later "free text"`; `or` '
    "and parentheses combine them, `-` denies one or a group. Words match all their forms, `kitch*` all that begin so. "
    "Days are those of your time zone. About the past: `was(column:doing)`, `changed:due by:ann since:-7d`, "
    "`reopened>=2`, `stale>14d`; `at:2026-03-01` asks the other terms of its list, or group, about the end of that day."
)
_SORT_DESCRIPTION = (
    "The sort order; a leading `-` reverses it. `priority` begins with none, `due` ends with none in both directions; "
    "`rank` is the order of creation in a project, `key` is by project key, then number; `title` ignores case and "
    "accents; `relevance` is best first; `field.Name` is by the custom fields of that name, and ends with tasks "
    "without a value in both directions. "
    "Default: relevance if the filter has free text, else rank in a project and -updated across projects."
)
_FIELDS_DESCRIPTION = "Only these members of each item, separated by commas."
_COUNT_DESCRIPTION = "`exact`: return the number of items on all pages as `count`."
_SIMILAR_DESCRIPTION = (
    "Also find tasks with similar words: each of at most six words, of 4 to 20 letters, may have one letter too "
    "many, missing, wrong, or swapped with the next. `similar` has their ids; by relevance, they come last."
)
Filter: TypeAlias = Annotated[
    str, Meta(description=_FILTER_DESCRIPTION, examples=["status:open assignee:me"], extra={"refusal": parse})
]


_SORT_SCHEMA = {"anyOf": [{"type": "string", "enum": [*TASK_SORTS]}, {"type": "string", "pattern": r"^-?field\..+$"}]}
Sort: TypeAlias = Annotated[str, Meta(examples=["rank"], extra_json_schema=_SORT_SCHEMA)]
"""The name of an order."""


def require_sort(text: str) -> None:
    """Raise NotOneOf unless it is the name of an order."""
    if text not in TASK_SORTS and not sort_field(text):
        raise NotOneOf(f"must be one of {', '.join(TASK_SORTS)}, field.Name, -field.Name")


def parse_fields(text: str | None) -> tuple[str, ...]:
    """The members of a task named by a text, in the type's order; raises ValueError for unknown or repeated ones."""
    names = text.split(",") if text is not None else TASK_FIELDS
    for name in names:
        if name not in TASK_FIELDS or names.count(name) > 1:
            words = f"has {quoted(name)}, which {unknown_name_words(name, TASK_FIELDS)}"
            raise ValueError(words if name not in TASK_FIELDS else f"has {name} twice")
    return tuple(name for name in TASK_FIELDS if name in names)


class TaskPageQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parameters of every page of tasks; those of a subclass come before them."""

    limit: Limit = 50
    cursor: Cursor = None
    fields: Annotated[
        str | None, Meta(description=_FIELDS_DESCRIPTION, examples=["id,title,due"], extra={"check": parse_fields})
    ] = None
    count: Annotated[Literal["exact"] | None, Meta(description=_COUNT_DESCRIPTION)] = None
    similar: Annotated[bool, Meta(description=_SIMILAR_DESCRIPTION)] = False
    expand: Expand = None
    min_position: MinPosition = None
    as_of: AsOf = None
    at_position: AtPosition = None

    def __post_init__(self) -> None:
        """Raise ValueError for unknown or repeated members."""
        parse_fields(self.fields)
        parse_expand(self.expand)


class TaskSearch(TaskPageQuery, frozen=True):
    """A search: the same parameters that `GET /tasks` takes in its query."""

    filter: Filter = ""
    sort: Annotated[
        Sort | None, Meta(description=_SORT_DESCRIPTION, examples=["due"], extra={"check": require_sort})
    ] = None

    def __post_init__(self) -> None:
        """Raise ValueError for unknown or repeated members, or an unknown order."""
        super().__post_init__()
        if self.sort is not None:
            require_sort(self.sort)

    def options(self) -> TaskPageOptions:
        """What the page shows."""
        fields, is_counted = parse_fields(self.fields), self.count is not None
        return TaskPageOptions(self.filter, self.sort, self.limit, self.cursor, fields, is_counted, self.similar)

    def expanded(self) -> tuple[str, ...]:
        """The members that have names."""
        return parse_expand(self.expand)
