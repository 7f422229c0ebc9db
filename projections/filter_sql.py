"""A filter in SQL: a condition on the task tables, assembled from fixed fragments, and its parameters.

The fragments refer to `task`, a row of the task list, and, if tasks must have words, to `search`, the task's row in the
task search. The query for such a filter joins both tables. A task has a word if its own texts or one of its comments
have it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from domain.filter import (
    AnyOf,
    AssigneeIs,
    At,
    ColumnIs,
    Is,
    LabelIs,
    Phrase,
    ProjectIs,
    StatusIs,
    TaskKeyIs,
    Term,
    Word,
)
from projections.field_sql import FilterContext
from projections.filter_compiler import FilterCompiler, Place, negated
from projections.filter_leaves import depends_on_time, has_denial, is_text, leaves_of
from projections.relevance import (
    any_word_query,
    own_texts_query,
    relevance_levels,
    requires_one_word,
    similar_text_query,
)
from projections.task_search import DOCUMENT_SQL
from projections.word_sql import MATCHES_SQL, WordSql

_LEVEL_SQL: Final = (
    f"{DOCUMENT_SQL} @@ %(level_{{0}})s::tsquery"
    f" and case when {DOCUMENT_SQL} @@ %(distinction_{{0}})s::tsquery then true else false end"
)
"""The planner takes a `case` to hold for half of the rows. It would multiply the selectivity of words that mostly occur
together, and so expect too few tasks to read them in their order."""


class FilterSql(Struct, frozen=True):
    """A compiled filter: the condition on tasks, and the one on their texts and comments ('' if none is required).

    Only `text_sql` and `level_sqls` refer to `search`. A task that meets `text_sql` meets exactly one of `level_sqls`,
    the conditions of the levels of relevance, the best first; there are none if no word is required. `reads_text` says
    that some condition reads the task search and comments; `is_similar_sql`, if not '', that a task has similar words
    only. `matches_many` says that the statistics of PostgreSQL tell about how many tasks match, unless these are few.
    `is_time_dependent` says that the same terms match other tasks as time passes, `is_about_archive` that a term says
    whether tasks are archived; otherwise those that are not are meant.
    """

    task_sql: str
    text_sql: str
    parameters: dict[str, object]
    level_sqls: tuple[str, ...] = ()
    is_similar_sql: str = ""
    reads_text: bool = False
    matches_many: bool = True
    is_time_dependent: bool = False
    is_about_archive: bool = False

    @property
    def sql(self) -> str:
        """The whole condition."""
        return f"{self.task_sql} and {self.text_sql}" if self.text_sql else self.task_sql


def compile_filter(
    terms: Iterable[Term], context: FilterContext, *, finds_similar: bool = False, workspaces_sql: str = "%(here)s"
) -> FilterSql:
    """The condition that a task meets all terms, or with `finds_similar` has similar words.

    The parameters may be part of cache keys, so they depend on the time only if a term does, and are no more precise
    than the term. Comments are read of the workspaces that `workspaces_sql` is an array of.
    """
    terms, compiler, word_sql = list(terms), FilterCompiler(), WordSql.of(workspaces_sql)
    leaves = list(leaves_of(terms))
    is_about_archive = Is("archived") in leaves
    place = Place(context, word_sql, is_about_archive=is_about_archive)
    if any(isinstance(term.predicate, At) for term in terms):  # words are those of then too, and rank nothing now
        terms = [Term(AnyOf((tuple(terms),)))]
    words = [term for term in terms if is_text(term.predicate)]
    others = [term for term in terms if term not in words]
    tasks = compiler.conjunction_sql(others, replace(place, word_sql=word_sql.among_tasks))
    texts = compiler.conjunction_sql(words, place) if words else ""
    levels = list(enumerate(relevance_levels(words)))
    level_sqls = [_LEVEL_SQL.format(number) for number, _ in levels]
    parameters = compiler.parameters
    if levels:
        meets_all = compiler.conjunction_sql(words, replace(place, word_sql=word_sql.one_by_one))
        if any(map(has_denial, words)):
            level_sqls = [f"{level} and {meets_all}" for level in level_sqls]
        level_sqls.append(word_sql.comment_level(meets_all))
        parameters |= {"any_word": any_word_query(words), "own_texts": own_texts_query(words)}
    compiled = FilterSql(
        tasks,
        texts,
        parameters
        | {f"level_{number}": level.query for number, level in levels}
        | {f"distinction_{number}": level.distinction for number, level in levels},
        tuple(level_sqls),
        reads_text=any(isinstance(leaf, Word | Phrase) for leaf in leaves),
        matches_many=requires_one_word(words) and all(map(_matches_many, terms)),
        is_time_dependent=any(depends_on_time(leaf, context.fields) for leaf in leaves),
        is_about_archive=is_about_archive,
    )
    return _with_similar(compiled, similar_text_query(words)) if finds_similar and levels else compiled


class VersionFilter(Struct, frozen=True):
    """A compiled filter on versions of tasks: its condition, and the parameters of that."""

    sql: str
    parameters: dict[str, object]


def compile_version_filter(
    terms: Sequence[Term], context: FilterContext, bound: str, workspaces_sql: str, prefix: str
) -> VersionFilter:
    """The condition that `task`, a version, meets all terms, with the texts that were valid just before a bound."""
    compiler = FilterCompiler(prefix)
    place = Place(context, WordSql.of(workspaces_sql).at(bound), is_about_archive=True)
    return VersionFilter(compiler.conjunction_sql(terms, place), compiler.parameters)


def _with_similar(compiled: FilterSql, similar: str) -> FilterSql:
    """The filter for texts with similar words too, which are of a last level."""
    # The planner would take so many words to match many texts, and read them all; of a subquery it expects one in 100.
    has_similar, is_similar_sql = MATCHES_SQL.format("(select %(similar)s::tsquery)"), negated(compiled.text_sql)
    return replace(
        compiled,
        text_sql=f"({has_similar} or {compiled.text_sql})",
        is_similar_sql=is_similar_sql,
        level_sqls=(*compiled.level_sqls, f"{has_similar} and {is_similar_sql}"),
        parameters=compiled.parameters | {"similar": similar},
        matches_many=False,
    )


def _matches_many(term: Term) -> bool:
    """Whether the term is about words or the status, or excludes only the tasks of one assignee, label and so on."""
    if isinstance(term.predicate, StatusIs) or is_text(term.predicate):
        return True
    return term.negated and isinstance(term.predicate, AssigneeIs | LabelIs | ProjectIs | ColumnIs | TaskKeyIs)
