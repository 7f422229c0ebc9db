"""Filters: the meaning of each term, and the offset of each mistake."""

import re
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from domain.errors import FilterSyntax, FilterTooLong, FilterValue, Refusal, UnknownField
from domain.filter import (
    AnyOf,
    AssigneeIs,
    ColumnIs,
    CreatedByIs,
    CustomFieldIs,
    Day,
    Has,
    HasCustomField,
    Instant,
    Is,
    LabelIs,
    Person,
    Phrase,
    PriorityIs,
    ProjectIs,
    RelativeTime,
    StatusIs,
    TaskKeyIs,
    Term,
    TimeIs,
    Word,
    parse,
)
from domain.filter.terms import Predicate

ADA = "01890a5d-ac96-774b-bcce-b302099a8057"
DECEMBER = Day(date(2026, 12, 1))


TERMS_BY_TEXT: list[tuple[str, Predicate]] = [
    ("status:open", StatusIs("open")),
    ('Status:"OPEN"', StatusIs("open")),
    ("ASSIGNEE:Me", AssigneeIs("me")),
    ("Has:Due", Has("due")),
    ("label:None", LabelIs(None)),
    ("due<TODAY+7D", TimeIs("due", "<", RelativeTime("today", 7, "d"))),
    ('status:"done"', StatusIs("done")),
    ("priority:none", PriorityIs(":", "none")),
    ("priority>=high", PriorityIs(">=", "high")),
    ("priority<urgent", PriorityIs("<", "urgent")),
    ("assignee:me", AssigneeIs("me")),
    ("assignee:none", AssigneeIs("none")),
    (f"assignee:{ADA.upper()}", AssigneeIs(UUID(ADA))),
    ("assignee:Ann", AssigneeIs(Person("Ann"))),
    ('assignee:"Ann Lee"', AssigneeIs(Person("Ann Lee"))),
    ("assignee:ann@example.com", AssigneeIs(Person("ann@example.com"))),
    ("due<today+7d", TimeIs("due", "<", RelativeTime("today", 7, "d"))),
    ("updated>-2w", TimeIs("updated", ">", RelativeTime("today", -2, "w"))),
    ("created>=start-of-month", TimeIs("created", ">=", RelativeTime("start-of-month"))),
    ("due<=end-of-month+1m", TimeIs("due", "<=", RelativeTime("end-of-month", 1, "m"))),
    ("due<now+3h", TimeIs("due", "<", RelativeTime("now", 3, "h"))),
    ("due:tomorrow-0d", TimeIs("due", ":", "tomorrow")),
    ("has:due", Has("due")),
    ("field.Size:Large", CustomFieldIs("Size", ":", "Large")),
    ('FIELD."Story points">="-0.5"', CustomFieldIs("Story points", ">=", "-0.5")),
    ("field.Size:none", CustomFieldIs("Size", ":", None)),
    ('field.Size:"none"', CustomFieldIs("Size", ":", "none")),
    ("field.Delivery<today+7d", CustomFieldIs("Delivery", "<", "today+7d")),
    ("has:field.Size", HasCustomField("Size")),
    ('no:field."Story points"', HasCustomField("Story points", absent=True)),
    ("field.Size", Word("field.Size")),
    ("no:assignee", Has("assignee", absent=True)),
    ("is:overdue", Is("overdue")),
    ("kitch*", Word("kitch", is_prefix=True)),
    ("or*", Word("or", is_prefix=True)),
    ("or-gate", Word("or-gate")),
    ('"or"', Phrase("or")),
    ("label:or", LabelIs("or")),
    ("cafe\u0301", Word("cafe\u0301")),
    ("नमस्ते", Word("नमस्ते")),
    ("wi\u2011fi", Word("wi\u2011fi")),
    ("ki\u00adtchen", Word("ki\u00adtchen")),
    ("created_by:me", CreatedByIs("me")),
    (f"created_by:{ADA}", CreatedByIs(UUID(ADA))),
    ("created_by:Ann", CreatedByIs(Person("Ann"))),
    ("label:Urgent", LabelIs("Urgent")),
    ("label:none", LabelIs(None)),
    ('label:"none"', LabelIs("none")),
    ('label:"for \\"Bob\\" \\\\ me"', LabelIs('for "Bob" \\ me')),
    ("label:-later", LabelIs("-later")),
    ("label:срочно", LabelIs("срочно")),
    ("project:Proj", ProjectIs("PROJ")),
    (f"project:{ADA}", ProjectIs(UUID(ADA))),
    ("column:doing", ColumnIs("doing")),
    ('column:"In progress"', ColumnIs("In progress")),
    ("key:proj-12", TaskKeyIs("PROJ-12")),
    ("due<2026-12-01", TimeIs("due", "<", DECEMBER)),
    ("due:none", TimeIs("due", ":", "none")),
    ("due<=now", TimeIs("due", "<=", "now")),
    ("due:today", TimeIs("due", ":", "today")),
    ("created>=yesterday", TimeIs("created", ">=", "yesterday")),
    (
        'updated>"2026-12-01T10:00:00.5+03:00"',
        TimeIs("updated", ">", Instant(datetime(2026, 12, 1, 7, 0, 0, 500_000, UTC))),
    ),
    ('due<"2026-12-31T23:59:60Z"', TimeIs("due", "<", Instant(datetime(2027, 1, 1, tzinfo=UTC)))),
    (
        'due:"2026-12-01T10:00:00.123456789+23:59"',
        TimeIs("due", ":", Instant(datetime(2026, 11, 30, 10, 1, 0, 123_456, UTC))),
    ),
    ("due:0001-01-01", TimeIs("due", ":", Day(date.min))),
    ("due:9999-12-31", TimeIs("due", ":", Day(date.max))),
    ("milk", Word("milk")),
    ("молоко", Word("молоко")),
    ("牛乳", Word("牛乳")),
    ("a.b@c/d#e_f-1", Word("a.b@c/d#e_f-1")),
    ("status", Word("status")),
    ('"free text"', Phrase("free text")),
    ('"status:open"', Phrase("status:open")),
    ('"-later"', Phrase("-later")),
    ('""', Phrase("")),
]


@pytest.mark.parametrize(("text", "asked"), TERMS_BY_TEXT)
def test_a_term_is_parsed_plain_and_negated(text: str, asked: Predicate) -> None:
    assert parse(text) == (Term(asked),)
    assert parse(f" -{text} ") == (Term(asked, negated=True, offset=1),)


def test_the_filter_of_the_contract_is_read() -> None:
    text = 'status:open assignee:me label:urgent priority>=high due<2026-12-01 project:PROJ "free text" -label:later'
    assert parse(text) == (
        Term(StatusIs("open"), offset=0),
        Term(AssigneeIs("me"), offset=12),
        Term(LabelIs("urgent"), offset=24),
        Term(PriorityIs(">=", "high"), offset=37),
        Term(TimeIs("due", "<", DECEMBER), offset=52),
        Term(ProjectIs("PROJ"), offset=67),
        Term(Phrase("free text"), offset=80),
        Term(LabelIs("later"), negated=True, offset=92),
    )


A, B, C = Word("a"), Word("b"), Word("c")


def any_of(*alternatives: tuple[Term, ...]) -> AnyOf:
    return AnyOf(alternatives)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("a or b", (Term(any_of((Term(A),), (Term(B, offset=5),))),)),
        ("a OR -b Or c", (Term(any_of((Term(A),), (Term(B, negated=True, offset=5),), (Term(C, offset=11),))),)),
        ("a b or c", (Term(any_of((Term(A), Term(B, offset=2)), (Term(C, offset=7),))),)),
        ("a (b or c)", (Term(A), Term(any_of((Term(B, offset=3),), (Term(C, offset=8),)), offset=2))),
        ("-( a b ) c", (Term(any_of((Term(A, offset=3), Term(B, offset=5))), negated=True), Term(C, offset=9))),
        ("((a))", (Term(any_of((Term(any_of((Term(A, offset=2),)), offset=1),))),)),
    ],
)
def test_groups_are_parsed(text: str, terms: tuple[Term, ...]) -> None:
    assert parse(text) == terms


@pytest.mark.parametrize("text", ["", " ", "   "])
def test_an_empty_filter_has_no_terms(text: str) -> None:
    assert parse(text) == ()


def test_offsets_are_in_characters_whatever_their_size() -> None:
    assert [term.offset for term in parse("молоко 牛乳  -\N{MATHEMATICAL FRAKTUR CAPITAL M}ilk")] == [0, 7, 11]


INVALID_FILTERS: list[tuple[str, type[Refusal], int]] = [
    ("milk (bread", FilterSyntax, 5),
    ("milk (bread))", FilterSyntax, 12),
    ("milk ()", FilterSyntax, 6),
    ("milk(bread)", FilterSyntax, 4),
    ("(milk)(bread)", FilterSyntax, 6),
    ("(milk)bread", FilterSyntax, 6),
    ("or milk", FilterSyntax, 0),
    ("milk or", FilterSyntax, 7),
    ("milk OR  ", FilterSyntax, 9),
    ("milk or or bread", FilterSyntax, 8),
    ("(milk or) bread", FilterSyntax, 8),
    ("milk -or bread", FilterSyntax, 6),
    ("or:milk", UnknownField, 0),
    ("*", FilterSyntax, 0),
    ("mi*lk", FilterSyntax, 3),
    ('"milk"*', FilterSyntax, 6),
    ("label:shop*", FilterSyntax, 10),
    ("due<today+", FilterSyntax, 10),
    ("due<+7d", FilterSyntax, 4),
    ("due<today+7", FilterValue, 4),
    ("due<today+7x", FilterValue, 4),
    ("due<today+3h", FilterValue, 4),
    ("due:now+3h", FilterValue, 3),
    ("due<today+10000d", FilterValue, 4),
    ("due<start-of-decade", FilterValue, 4),
    ("has:wings", FilterValue, 4),
    ("has:field.", FilterValue, 4),
    ("field.:x", UnknownField, 0),
    ('field."":x', UnknownField, 0),
    ('field."Size"', FilterSyntax, 6),
    ('field."Size', FilterSyntax, 6),
    ("field.Size<none", FilterValue, 10),
    ("field.Size:", FilterSyntax, 11),
    ("is:green", FilterValue, 3),
    ("is>open", FilterValue, 2),
    ("no:me", FilterValue, 3),
    ("milk|bread", FilterSyntax, 4),
    ("priority=high", FilterSyntax, 8),
    ("-", FilterSyntax, 1),
    ("a - b", FilterSyntax, 3),
    ("--milk", FilterSyntax, 1),
    (":open", FilterSyntax, 0),
    ("-<milk", FilterSyntax, 1),
    ("status:", FilterSyntax, 7),
    ("status: open", FilterSyntax, 7),
    ("status :open", FilterSyntax, 7),
    ("status::open", FilterSyntax, 7),
    ("priority>>high", FilterSyntax, 9),
    ("due:2026-12-01T10:00:00Z", FilterValue, 4),
    ('milk "bread', FilterSyntax, 5),
    ('label:"shop', FilterSyntax, 6),
    ('"shop\\"', FilterSyntax, 0),
    ('"shop\\', FilterSyntax, 5),
    ('"a\\nb"', FilterSyntax, 2),
    ('"milk"bread', FilterSyntax, 6),
    ('milk"bread"', FilterSyntax, 4),
    ('"status":open', FilterSyntax, 8),
    ("milk\tbread", FilterSyntax, 4),
    ("milk\N{NO-BREAK SPACE}bread", FilterSyntax, 4),
    ('"milk\nbread"', FilterSyntax, 5),
    ('"\x00"', FilterSyntax, 1),
    ('"\x9f"', FilterSyntax, 1),
    ('label:"\ud83d"', FilterSyntax, 7),
    ("\ud83d", FilterSyntax, 0),
    ("milk\x00", FilterSyntax, 4),
    ("½", FilterSyntax, 0),
    ("milk owner:me", UnknownField, 5),
    ("-статус:open", UnknownField, 1),
    ("milk status:later", FilterValue, 12),
    ("-status<open", FilterValue, 7),
    ("priority:highest", FilterValue, 9),
    (f"assignee:{'a' * 255}", FilterValue, 9),
    ('assignee:" "', FilterValue, 9),
    ("(" * 21 + "a" + ")" * 21, FilterTooLong, 20),
    ("(a or b) " * 34, FilterTooLong, 298),
    ("assignee>me", FilterValue, 8),
    ('label:""', FilterValue, 6),
    (f"label:{'a' * 101}", FilterValue, 6),
    ("label<a", FilterValue, 5),
    ("project:P", FilterValue, 8),
    ("project:PROJECTKEYS", FilterValue, 8),
    ("project:PR_J", FilterValue, 8),
    ("project:\N{LATIN SMALL LETTER LONG S}HOP", FilterValue, 8),
    ("key:PROJ", FilterValue, 4),
    ("key:PROJ-0", FilterValue, 4),
    ("key:PROJ-012", FilterValue, 4),
    ("key:PROJ-1234567890", FilterValue, 4),
    ("key>=PROJ-1", FilterValue, 3),
    ('column:""', FilterValue, 7),
    ("due<2026-02-30", FilterValue, 4),
    ("due<0000-01-01", FilterValue, 4),
    ("due<2026-1-1", FilterValue, 4),
    ("due<٢٠٢٦-12-03", FilterValue, 4),
    ("due<10000-01-01", FilterValue, 4),
    ("due<=someday", FilterValue, 5),
    ('due<"2026-12-01T10:00:00"', FilterValue, 4),
    ('due<"0001-01-01T00:00:00+01:00"', FilterValue, 4),
    ('due<"2026-02-30T00:00:00Z"', FilterValue, 4),
    ("due<none", FilterValue, 3),
    ("due:now", FilterValue, 3),
    ("created:none", FilterValue, 8),
    ("updated<now", FilterValue, 8),
    ("a " * 101, FilterTooLong, 200),
    ("a " * 1_000, FilterTooLong, 200),
    ("a" * 4_001, FilterTooLong, 4_000),
]


@pytest.mark.parametrize(("text", "refusal", "offset"), INVALID_FILTERS)
def test_an_invalid_filter_is_refused_with_its_offset(text: str, refusal: type[Refusal], offset: int) -> None:
    with pytest.raises(refusal) as refused:
        parse(text)
    assert type(refused.value) is refusal
    assert refused.value.params["offset"] == offset
    assert str(refused.value).endswith(".")
    assert str(refused.value) != refusal.title()


def test_a_refusal_of_an_operator_or_a_bare_star_says_what_to_do() -> None:
    for text, words in (
        ("label<a", "Compare label with this value by : only."),
        ("due:now", "Compare due with this value by < or <= or > or >= only."),
        ("*", "Write the beginning of a word before the *."),
    ):
        with pytest.raises((FilterValue, FilterSyntax), match=re.escape(words)):
            parse(text)


def test_a_refusal_says_what_was_expected_of_which_field() -> None:
    with pytest.raises(FilterValue, match=r"For status, write one of these here: open, done\.") as refused:
        parse("status:later")
    assert refused.value.params == {"offset": 7, "field": "status", "expected": ["open", "done"]}
    with pytest.raises(FilterValue) as refused:
        parse("due:now")
    assert refused.value.params == {"offset": 3, "field": "due", "expected": ["<", "<=", ">", ">="]}
    with pytest.raises(UnknownField, match="status, priority, assignee") as unknown:
        parse("owner:me")
    assert (unknown.value.params["offset"], unknown.value.params["field"]) == (0, "owner")
    assert "assignee" in unknown.value.params["expected"]


def test_a_filter_at_every_limit_is_parsed() -> None:
    assert len(parse("a " * 100)) == 100
    assert parse("a" * 4_000) == (Term(Word("a" * 4_000)),)
    assert parse(f'label:"{"ж" * 100}"') == (Term(LabelIs("ж" * 100)),)
