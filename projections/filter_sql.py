"""A filter in SQL: a condition on the task tables, assembled from fixed fragments, and its parameters.

The fragments refer to `task`, a row of the task list, and, if tasks must have words, to `search`, the task's row in the
task search. The query for such a filter joins both tables. A task has a word if its own texts or one of its comments
have it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from domain.errors import FilterValue
from domain.filter import (
    AnyOf,
    AssigneeIs,
    ColumnIs,
    CreatedByIs,
    CustomFieldIs,
    HasCustomField,
    Is,
    LabelIs,
    Person,
    Phrase,
    ProjectIs,
    StatusIs,
    TaskKeyIs,
    Term,
    TimeIs,
    Word,
)
from domain.filter.terms import FieldPredicate, Predicate
from projections import custom_field_sql
from projections.custom_field_sql import NO_FIELDS, FieldReader, FieldsByName
from projections.field_sql import FilterContext, comparison_sql
from projections.relevance import (
    any_word_query,
    own_texts_query,
    relevance_levels,
    requires_one_word,
    similar_text_query,
    text_query,
)
from projections.task_search import DOCUMENT_SQL
from projections.time_sql import SqlFragment, is_relative

_MATCHES_SQL = f"{DOCUMENT_SQL} @@ {{0}}::tsquery"
_MATCHING_TEXT_EXISTS_SQL = (
    f"exists (select from {{{{task_search}}}} search where search.id = task.id and {_MATCHES_SQL})"
)
"""For a word among alternatives, some of which may need no text."""
_COMMENTED_SQL = (
    "select comment.task_id from {{{{comment_list}}}} comment"
    " where comment.words @@ {query}::tsquery and comment.workspace_id = any({workspaces})"
)
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
    terms, compiler, word_sql = list(terms), _Compiler(context), _WordSql.of(workspaces_sql)
    words = [term for term in terms if _is_text(term.predicate)]
    tasks = compiler.conjunction_sql([term for term in terms if term not in words], word_sql.among_tasks)
    texts = compiler.conjunction_sql(words, word_sql) if words else ""
    levels = list(enumerate(relevance_levels(words)))
    leaves = list(_leaves(terms))
    level_sqls = [_LEVEL_SQL.format(number) for number, _ in levels]
    parameters = compiler.parameters
    if levels:
        meets_all = compiler.conjunction_sql(words, word_sql.one_by_one)
        if any(map(_has_denial, words)):
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
        is_time_dependent=any(_depends_on_time(leaf, context.fields) for leaf in leaves),
        is_about_archive=Is("archived") in leaves,
    )
    return _with_similar(compiled, similar_text_query(words)) if finds_similar and levels else compiled


def _with_similar(compiled: FilterSql, similar: str) -> FilterSql:
    """The filter for texts with similar words too, which are of a last level."""
    # The planner would take so many words to match many texts, and read them all; of a subquery it expects one in 100.
    has_similar, is_similar_sql = _MATCHES_SQL.format("(select %(similar)s::tsquery)"), _negated(compiled.text_sql)
    return replace(
        compiled,
        text_sql=f"({has_similar} or {compiled.text_sql})",
        is_similar_sql=is_similar_sql,
        level_sqls=(*compiled.level_sqls, f"{has_similar} and {is_similar_sql}"),
        parameters=compiled.parameters | {"similar": similar},
        matches_many=False,
    )


def person_names(terms: Iterable[Term], fields: FieldsByName = NO_FIELDS) -> frozenset[str]:
    """The names and e-mail addresses of users in the terms."""
    leaves = list(_leaves(terms))
    users = (getattr(leaf, "user", None) for leaf in leaves)
    compared = (leaf for leaf in leaves if isinstance(leaf, CustomFieldIs))
    named = {name for leaf in compared for name in custom_field_sql.named_people(leaf, fields)}
    return frozenset(user.name for user in users if isinstance(user, Person)) | named


def reads_calendar(terms: Iterable[Term]) -> bool:
    """Whether a term is about days, which are those of a time zone."""
    return any(map(_reads_calendar, _leaves(terms)))


def reads_custom_fields(terms: Iterable[Term]) -> bool:
    """Whether a term is about a custom field."""
    return any(isinstance(leaf, CustomFieldIs | HasCustomField) for leaf in _leaves(terms))


class _WordSql(Struct, frozen=True):
    """The condition that a task has a word, and the one that it has not.

    Comments are asked in the form that the planner estimates best where the condition stands. As an array, the ids of
    their tasks are found once, and looked up by the index on ids, beside the one on words. For each task by itself,
    where few are left, or where those without such a comment are wanted (an anti-join).
    """

    required: str
    denied: str
    commented: str

    @classmethod
    def of(cls, workspaces_sql: str) -> "_WordSql":
        workspaces = workspaces_sql.replace("{", "{{").replace("}", "}}")
        commented = _COMMENTED_SQL.format(query="{0}", workspaces=workspaces)
        return cls(
            f"({_MATCHES_SQL} or search.id = any (array({commented})))",
            f"not ({_MATCHES_SQL}) and not exists ({commented} and comment.task_id = search.id)",
            commented,
        )

    @property
    def one_by_one(self) -> "_WordSql":
        """For the few tasks that another condition finds."""
        return replace(self, required=f"({_MATCHES_SQL} or exists ({self.commented} and comment.task_id = search.id))")

    @property
    def among_tasks(self) -> "_WordSql":
        """For conditions that do not refer to `search`."""
        has_word = f"({_MATCHING_TEXT_EXISTS_SQL} or task.id in ({self.commented}))"
        return replace(self, required=has_word, denied=_negated(has_word))

    def comment_level(self, meets_all: str) -> str:
        """The last level: tasks that have some word in a comment only."""
        commented = self.commented.format("%(any_word)s")
        return f"search.id in ({commented}) and {meets_all} and not ({DOCUMENT_SQL} @@ %(own_texts)s::tsquery)"


class _Compiler:
    """Compiles terms, and collects the parameters of all of them."""

    def __init__(self, context: FilterContext) -> None:
        self.parameters = dict[str, object]()
        self._context = context
        self._leaf_count = 0

    def conjunction_sql(self, terms: Sequence[Term], word_sql: _WordSql) -> str:
        """The condition that all terms are met."""
        return " and ".join(self._term_sql(term, word_sql) for term in terms) or "true"

    def _term_sql(self, term: Term, word_sql: _WordSql) -> str:
        if isinstance(term.predicate, AnyOf):
            each = (self.conjunction_sql(alternative, word_sql) for alternative in term.predicate.alternatives)
            sql = f"({' or '.join(each)})"
        elif term.negated and _is_text(term.predicate):
            return self._named(*self._leaf_sql(term, word_sql.denied))
        else:
            sql = self._named(*self._leaf_sql(term, word_sql.required))
        return _negated(sql) if term.negated else sql

    def _leaf_sql(self, term: Term, word_sql: str) -> SqlFragment:
        """Raises FilterValue, with the offset of the term."""
        predicate: Any = term.predicate
        try:
            return _predicate_sql(predicate, self._context, word_sql)
        except FilterValue as refusal:
            raise FilterValue(str(refusal), offset=term.offset, **refusal.params) from refusal

    def _named(self, sql: str, values: Sequence[object]) -> str:
        """The SQL with named parameters instead of its placeholders."""
        named = {f"f{self._leaf_count}_{place}": value for place, value in enumerate(values)}
        self.parameters |= named
        self._leaf_count += 1
        return sql.format(*(f"%({name})s" for name in named))


def _negated(sql: str) -> str:
    return f"not ({sql})"


def _is_text(predicate: Predicate) -> bool:
    """Whether it is about the text of a task alone, and about something that a text can have or not."""
    if isinstance(predicate, AnyOf):
        return all(_is_text(term.predicate) for terms in predicate.alternatives for term in terms)
    return isinstance(predicate, Word | Phrase) and bool(text_query(predicate).anywhere)


def _has_denial(term: Term) -> bool:
    """Whether a word in a comment can keep a task from meeting the term."""
    if term.negated:
        return True
    alternatives = term.predicate.alternatives if isinstance(term.predicate, AnyOf) else ()
    return any(_has_denial(inner) for terms in alternatives for inner in terms)


def _leaves(terms: Iterable[Term]) -> Iterator[FieldPredicate | Word | Phrase]:
    """The predicates of the terms, and of the terms of groups."""
    for term in terms:
        if isinstance(term.predicate, AnyOf):
            for alternative in term.predicate.alternatives:
                yield from _leaves(alternative)
        else:
            yield term.predicate


def _matches_many(term: Term) -> bool:
    """Whether the term is about words or the status, or excludes only the tasks of one assignee, label and so on."""
    if isinstance(term.predicate, StatusIs) or _is_text(term.predicate):
        return True
    return term.negated and isinstance(term.predicate, AssigneeIs | LabelIs | ProjectIs | ColumnIs | TaskKeyIs)


def _reads_calendar(leaf: Predicate) -> bool:
    if isinstance(leaf, CustomFieldIs):
        return custom_field_sql.reads_calendar(leaf)
    return leaf == Is("overdue") or (isinstance(leaf, TimeIs) and leaf.when != "none")


def _depends_on_time(leaf: Predicate, fields: FieldsByName) -> bool:
    """Whether the same words may mean something else later; users may be renamed."""
    if isinstance(leaf, CustomFieldIs):
        return custom_field_sql.reads_calendar(leaf) or any(custom_field_sql.named_people(leaf, fields))
    is_named = isinstance(leaf, AssigneeIs | CreatedByIs) and isinstance(leaf.user, Person)
    return is_named or leaf == Is("overdue") or (isinstance(leaf, TimeIs) and is_relative(leaf.when))


def _predicate_sql(predicate: FieldPredicate | Word | Phrase, context: FilterContext, word_sql: str) -> SqlFragment:
    match predicate:
        case Word() | Phrase():
            tsquery = text_query(predicate).anywhere
            return (word_sql, (tsquery,)) if tsquery else ("true", ())
        case CustomFieldIs():
            reader = FieldReader(context.me, context.now.astimezone(context.zone).date(), context.people)
            return custom_field_sql.comparison_sql(predicate, context.fields, reader)
        case HasCustomField():
            return custom_field_sql.presence_sql(predicate, context.fields)
    return comparison_sql(predicate, context)
