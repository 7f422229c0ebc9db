"""Filters hold for every text: each law is a check, and a planted defect turns it red."""

from collections.abc import Callable
from datetime import date
from unicodedata import category

import msgspec
import pytest

from domain.errors import FilterSyntax, FilterTooLong, FilterValue, Refusal, UnknownField
from domain.filter import Day, LabelIs, Term, TimeIs, fields, format_terms, parse, reading, written
from tests.defects import noticed
from tests.domain.filters import anywhere, filters, texts
from tests.law import law


@law(filters, examples=150)
def what_is_written_is_read_as_it_was_meant(terms: list[Term]) -> None:
    text = format_terms(terms)
    read = tried(text)
    assert not isinstance(read, Refusal), text
    assert anywhere(read) == terms
    for term in read:
        assert text[term.offset :].startswith(format_terms([term]))


@law(texts, examples=400)
def any_text_is_read_or_refused_with_the_place(text: str) -> None:
    read = tried(text)
    if isinstance(read, Refusal):
        assert 0 <= read.params["offset"] <= len(text)
        assert msgspec.json.encode([str(read), read.params]), "this cannot be told to anybody"
    else:
        assert not {"Cc", "Cs"} & {category(each) for each in text}, "no database may be asked for this"
        assert anywhere(parse(format_terms(read))) == anywhere(read)


def tried(text: str) -> tuple[Term, ...] | Refusal:
    try:
        return parse(text)
    except (FilterSyntax, UnknownField, FilterValue, FilterTooLong) as refusal:
        return refusal
    except Exception as error:
        raise AssertionError(repr(text)) from error


LAWS = [what_is_written_is_read_as_it_was_meant, any_text_is_read_or_refused_with_the_place]


@pytest.mark.parametrize("law", LAWS)
def test_a_filter_is_what_its_text_says(law: Callable[[], None]) -> None:
    law()


def quotes_that_escape_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(written, "quote", lambda text: f'"{text}"')


def a_label_none_that_quotes_do_not_tell(patch: pytest.MonkeyPatch) -> None:
    none_or_name = fields._parse_label  # noqa: SLF001 - a defect is planted where it would be made

    def careless(comparison: fields.Comparison) -> LabelIs:
        return LabelIs(None) if comparison.value == "none" else none_or_name(comparison)

    patch.setitem(fields.FILTER_FIELDS, "label", fields.FilterField(careless, ()))


def a_shorter_operator_that_is_found_first(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reading, "_OPERATORS", (":", "<", "<=", ">", ">="))


def control_characters_that_pass(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reading, "_FORBIDDEN_CATEGORIES", frozenset())


def a_calendar_that_breaks(patch: pytest.MonkeyPatch) -> None:
    """The errors of the calendar are not caught but those of the form."""

    def careless(written: fields.Comparison) -> TimeIs:
        year, month, day = (int(part) for part in written.value.split("-") if part.isdecimal())
        try:
            return TimeIs("due", written.operator, Day(date(year, month, day)))
        except ValueError as error:
            raise LookupError from error

    patch.setitem(fields.FILTER_FIELDS, "due", fields.FilterField(careless, ()))


DEFECTS = [
    (quotes_that_escape_nothing, what_is_written_is_read_as_it_was_meant),
    (a_label_none_that_quotes_do_not_tell, what_is_written_is_read_as_it_was_meant),
    (a_shorter_operator_that_is_found_first, what_is_written_is_read_as_it_was_meant),
    (control_characters_that_pass, any_text_is_read_or_refused_with_the_place),
    (a_calendar_that_breaks, any_text_is_read_or_refused_with_the_place),
]


@pytest.mark.parametrize(("plant", "law"), DEFECTS)
def test_it_is_noticed(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], law: Callable[[], None]
) -> None:
    plant(monkeypatch)
    noticed(law)
