"""Hypothesis strategies for filters: terms of every kind, and texts that are almost filters."""

from datetime import UTC
from typing import get_args

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from domain.filter import (
    AnyOf,
    AssigneeIs,
    At,
    By,
    Changed,
    ColumnIs,
    CreatedByIs,
    CustomFieldChanged,
    CustomFieldIs,
    Day,
    DurationIs,
    Has,
    HasCustomField,
    Instant,
    Is,
    LabelIs,
    Operator,
    ParentIs,
    Person,
    Phrase,
    PriorityIs,
    ProjectIs,
    RelativeTime,
    ReopenedIs,
    Since,
    StaleIs,
    StatusIs,
    TaskKeyIs,
    Term,
    TimeIs,
    Until,
    Was,
    Word,
)
from domain.filter.fields import FILTER_FIELDS
from domain.filter.terms import (
    ChangeableField,
    ComparisonPredicate,
    DurationField,
    OptionalPart,
    PeriodBoundary,
    Predicate,
    RelativeDay,
    TaskState,
)
from domain.task import Priority, TaskStatus

_operators = st.sampled_from(get_args(Operator))
_durations = st.sampled_from(get_args(DurationField))
_comparison_signs = st.sampled_from(["<", "<=", ">", ">="])
_times = st.sampled_from(["due", "start", "created", "updated"])
_texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20) | st.sampled_from(["none", 'a "\\" b'])
_names = _texts.filter(bool)
_word_characters = st.characters(categories=["L", "Nd"]) | st.sampled_from("_.@/#")
_words = st.builds(
    str.__add__, _word_characters, st.text(_word_characters | st.sampled_from("-\u0301\u00ad\u2013"), max_size=9)
)
_bare_words = _words.filter(lambda word: word.lower() != "or")
_people = st.builds(
    Person, st.text(st.characters(exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=9)
).filter(lambda person: person.name not in {"me", "none"})
_counts = st.integers(-9_999, 9_999).filter(bool)
_relative_times = st.one_of(
    st.builds(RelativeTime, st.sampled_from(get_args(PeriodBoundary))),
    st.builds(
        RelativeTime,
        st.sampled_from([*get_args(PeriodBoundary), *get_args(RelativeDay)]),
        _counts,
        st.sampled_from("dwmy"),
    ),
)
_project_keys = st.from_regex("[A-Z][A-Z0-9]{1,9}", fullmatch=True)
_keys = st.from_regex("[A-Z][A-Z0-9]{1,9}-[1-9][0-9]{0,8}", fullmatch=True)
_moments = st.datetimes(timezones=st.just(UTC))

_comparisons: SearchStrategy[ComparisonPredicate] = st.one_of(
    st.builds(StatusIs, st.sampled_from(get_args(TaskStatus))),
    st.builds(PriorityIs, _operators, st.sampled_from(get_args(Priority))),
    st.builds(AssigneeIs, st.sampled_from(["me", "none"]) | st.uuids() | _people),
    st.builds(CreatedByIs, st.just("me") | st.uuids() | _people),
    st.builds(LabelIs, st.none() | st.just("none") | _names),
    st.builds(ProjectIs, _project_keys | st.uuids()),
    st.builds(ColumnIs, _names),
    st.builds(TaskKeyIs, _keys),
    st.builds(ParentIs, st.uuids()),
    st.builds(TimeIs, _times, _operators, st.builds(Day, st.dates()) | st.builds(Instant, _moments)),
    st.builds(TimeIs, _times, _operators, st.sampled_from(get_args(RelativeDay))),
    st.builds(TimeIs, st.sampled_from(["due", "start"]), _comparison_signs, st.just("now")),
    st.builds(TimeIs, st.sampled_from(["due", "start"]), st.just(":"), st.just("none")),
    st.builds(DurationIs, _durations, _operators, st.integers(0, 9_999_999)),
    st.builds(DurationIs, _durations, st.just(":"), st.none()),
    st.builds(TimeIs, _times, _operators, _relative_times),
    st.builds(
        TimeIs, _times, _comparison_signs, st.builds(RelativeTime, st.just("now"), _counts, st.sampled_from("hdwmy"))
    ),
    st.builds(Has, st.sampled_from(get_args(OptionalPart)), st.booleans()),
    st.builds(CustomFieldIs, _names, _operators, _texts),
    st.builds(CustomFieldIs, _names, st.just(":"), st.none()),
    st.builds(HasCustomField, _names, st.booleans()),
    st.builds(Is, st.sampled_from(get_args(TaskState))),
)
predicates: SearchStrategy[Predicate] = st.one_of(
    _comparisons,
    _comparisons,
    st.builds(Was, _comparisons),
    st.builds(Changed, st.sampled_from(get_args(ChangeableField))),
    st.builds(CustomFieldChanged, _names),
    st.builds(ReopenedIs, _operators, st.integers(0, 9_999)),
    st.builds(StaleIs, _comparison_signs, st.integers(0, 9_999), st.sampled_from("hdwmy")),
    st.builds(Word, _bare_words, st.booleans()),
    st.builds(Phrase, _texts),
)
"""The predicate of any term, except a group and a qualifier."""
_terms: SearchStrategy[Term] = st.builds(
    Term,
    st.recursive(
        predicates,
        lambda inner: st.builds(
            AnyOf,
            st.lists(
                st.lists(st.builds(Term, inner, st.booleans()), min_size=1, max_size=3).map(tuple),
                min_size=1,
                max_size=3,
            ).map(tuple),
        ),
        max_leaves=5,
    ),
    st.booleans(),
)
_whens = st.one_of(
    st.builds(Day, st.dates()), st.builds(Instant, _moments), st.sampled_from(get_args(RelativeDay)), _relative_times
)
_by = st.builds(By, st.just("me") | st.uuids() | _people)


def _with_qualifiers(terms: list[Term]) -> SearchStrategy[list[Term]]:
    """The terms, with what may stand beside them."""
    kinds = {type(term.predicate) for term in terms}
    is_of_changes = bool(kinds & {Changed, CustomFieldChanged, ReopenedIs})
    qualifiers: list[SearchStrategy[Predicate]] = [st.builds(At, _whens)]
    qualifiers += [_by] * is_of_changes
    qualifiers += [st.builds(Since, _whens), st.builds(Until, _whens)] * (is_of_changes or Was in kinds)
    each = st.lists(st.sampled_from(qualifiers), unique_by=id).flatmap(lambda some: st.tuples(*some))
    return each.map(lambda some: [*terms, *map(Term, some)])


filters: SearchStrategy[list[Term]] = st.lists(_terms, max_size=8).flatmap(_with_qualifiers)
"""Terms that can be formatted, without offsets."""

_characters = st.text(
    st.sampled_from([*'-_.:<>=()"\\ aж', "\x00", "\x9f", "\ud800", "\u2028", "\N{SUPERSCRIPT TWO}"]), max_size=4
)
_values = st.sampled_from(
    [
        "open",
        "me",
        "none",
        "high",
        "PROJ",
        "PROJ-1",
        "shop",
        "now",
        "today",
        "молоко",
        "or",
        "(a",
        "b)",
        "mil*",
        "-2w",
        "end-of-month-1m",
        "today+0d",
        "field.Size",
        'field."a b"',
        "was(due<today)",
        "was(",
        "14d",
    ]
)
_dates = st.sampled_from(["2026-12-01", "2026-02-30", "0000-01-01", '"2026-12-01T10:00:00Z"', '"2026-12-01T10:00:00"'])
_comparison_texts = st.builds(
    "{}{}{}".format, st.sampled_from([*FILTER_FIELDS, "field.Size", 'field."a b"', "FIELD.x"]), _operators, _values
)
_date_texts = st.builds("{}{}{}".format, _times, _operators, _dates)
_in_quotes = st.builds('{}"{}{}"'.format, st.sampled_from(["", "-", "label:"]), _characters, _characters)
texts: SearchStrategy[str] = (
    st.lists(_comparison_texts | _date_texts | _in_quotes | _values | _characters, max_size=4).map(" ".join)
    | _characters
)
"""Texts that are almost filters."""


def without_offsets(terms: tuple[Term, ...] | list[Term]) -> list[Term]:
    """The terms, also those of groups, with every offset set to 0."""
    return [
        msgspec.structs.replace(
            term,
            offset=0,
            predicate=AnyOf(tuple(tuple(without_offsets(each)) for each in term.predicate.alternatives))
            if isinstance(term.predicate, AnyOf)
            else term.predicate,
        )
        for term in terms
    ]
