"""Parameters of task lists: filter, sort, fields and count."""

from typing import Annotated, Literal

from litestar.params import QueryParameter
from msgspec import Meta

from commands.validation import quoted, unknown_name_words
from domain.filter import parse
from projections.task_page import TASK_FIELDS
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
SimilarParam = Annotated[bool, QueryParameter(description=SIMILAR_DESCRIPTION)]
FilterParam = Annotated[str, QueryParameter(description=FILTER_DESCRIPTION), Meta(extra={"refusal": parse})]
SortParam = Annotated[TaskSort | None, QueryParameter(description=SORT_DESCRIPTION)]
CountParam = Annotated[Literal["exact"] | None, QueryParameter(description=COUNT_DESCRIPTION)]


def parse_fields(text: str | None) -> tuple[str, ...]:
    """The members of a task named by a text, in the type's order; raises ValueError for unknown or repeated ones."""
    names = text.split(",") if text is not None else TASK_FIELDS
    for name in names:
        if name not in TASK_FIELDS or names.count(name) > 1:
            words = f"has {quoted(name)}, which {unknown_name_words(name, TASK_FIELDS)}"
            raise ValueError(words if name not in TASK_FIELDS else f"has {name} twice")
    return tuple(name for name in TASK_FIELDS if name in names)


FieldsParam = Annotated[str | None, QueryParameter(description=FIELDS_DESCRIPTION), Meta(extra={"check": parse_fields})]
