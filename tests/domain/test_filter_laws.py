"""The laws of filters hold for every text; each is a check that a planted defect turns red."""

from collections.abc import Callable, Iterator
from datetime import date
from unicodedata import category

import msgspec
import pytest

from domain.errors import FilterSyntax, FilterTooLong, FilterValue, Refusal, UnknownField
from domain.filter import Day, LabelIs, Term, TimeIs, fields, format_terms, formatter, parse, tokens
from domain.filter.comparison import Comparison, FilterField
from tests.domain.filter_strategies import filters, texts, without_offsets
from tests.law import law
from tests.planted_defects import assert_check_fails

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _parsed_anew() -> Iterator[None]:
    """Parsed filters are cached: without this, a defect would not meet the texts that another test has parsed."""
    parse.cache_clear()
    yield
    parse.cache_clear()


@law(filters, examples=150)
def formatted_filters_parse_to_the_same_terms(terms: list[Term]) -> None:
    text = format_terms(terms)
    read = parse_or_refuse(text)
    assert not isinstance(read, Refusal), text
    assert without_offsets(read) == terms
    for term in read:
        assert text[term.offset :].startswith(format_terms([term]))


@law(texts, examples=400)
def any_text_parses_or_is_refused_with_an_offset(text: str) -> None:
    read = parse_or_refuse(text)
    if isinstance(read, Refusal):
        assert 0 <= read.params["offset"] <= len(text)
        assert msgspec.json.encode([str(read), read.params]), "the refusal cannot be encoded"
    else:
        assert not {"Cc", "Cs"} & {category(each) for each in text}, "it has a character that no query may contain"
        assert without_offsets(parse(format_terms(read))) == without_offsets(read)


def parse_or_refuse(text: str) -> tuple[Term, ...] | Refusal:
    try:
        return parse(text)
    except (FilterSyntax, UnknownField, FilterValue, FilterTooLong) as refusal:
        return refusal
    except Exception as error:
        raise AssertionError(repr(text)) from error


LAWS = [formatted_filters_parse_to_the_same_terms, any_text_parses_or_is_refused_with_an_offset]


@pytest.mark.parametrize("law", LAWS)
def test_filter_laws_hold(law: Callable[[], None]) -> None:
    law()


def quotes_without_escaping(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(formatter, "quote", lambda text: f'"{text}"')


def a_quoted_none_read_as_no_label(patch: pytest.MonkeyPatch) -> None:
    none_or_name = fields._parse_label  # noqa: SLF001 - the defect belongs in this function

    def careless(comparison: Comparison) -> LabelIs:
        return LabelIs(None) if comparison.value == "none" else none_or_name(comparison)

    patch.setitem(fields.FILTER_FIELDS, "label", FilterField(careless, ()))


def shorter_operators_matched_first(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tokens, "_OPERATORS", (":", "<", "<=", ">", ">="))


def control_characters_accepted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tokens, "_FORBIDDEN_CATEGORIES", frozenset())


def calendar_errors_not_caught(patch: pytest.MonkeyPatch) -> None:
    """Errors of form are caught, those of the calendar are not."""

    def careless(written: Comparison) -> TimeIs:
        year, month, day = (int(part) for part in written.value.split("-") if part.isdecimal())
        try:
            return TimeIs("due", written.operator, Day(date(year, month, day)))
        except ValueError as error:
            raise LookupError from error

    patch.setitem(fields.FILTER_FIELDS, "due", FilterField(careless, ()))


DEFECTS = [
    (quotes_without_escaping, formatted_filters_parse_to_the_same_terms),
    (a_quoted_none_read_as_no_label, formatted_filters_parse_to_the_same_terms),
    (shorter_operators_matched_first, formatted_filters_parse_to_the_same_terms),
    (control_characters_accepted, any_text_parses_or_is_refused_with_an_offset),
    (calendar_errors_not_caught, any_text_parses_or_is_refused_with_an_offset),
]


@pytest.mark.parametrize(("plant", "law"), DEFECTS)
def test_a_planted_defect_is_noticed(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], law: Callable[[], None]
) -> None:
    plant(monkeypatch)
    assert_check_fails(law)
