"""Planted defects in the rules of addresses and times: each must turn the named test red."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from unicodedata import normalize

import pytest

from domain import timestamp
from tests.domain import test_email_address, test_timestamp

Patch = pytest.MonkeyPatch


def addresses_are_case_folded(patch: Patch) -> None:
    patch.setattr("domain.email_address._lower", lambda text: normalize("NFC", text.casefold()))


def addresses_are_compared_as_typed(patch: Patch) -> None:
    patch.setattr("domain.email_address._lower", str.lower)


def addresses_are_compatible_forms(patch: Patch) -> None:
    patch.setattr("domain.email_address._lower", lambda text: normalize("NFKC", text.lower()))


def domains_are_compared_as_typed(patch: Patch) -> None:
    patch.setattr("domain.email_address._ascii_domain", lambda _: None)


def domains_are_those_of_idna_2003(patch: Patch) -> None:
    patch.setattr("domain.email_address._ascii_domain", lambda domain: domain.encode("idna").decode())


def leap_seconds_are_refused(patch: Patch) -> None:
    patch.setattr("domain.timestamp._LEAP_SECOND", 59)


def leap_seconds_are_everywhere(patch: Patch) -> None:
    def after(moment: datetime) -> datetime:
        return moment + timedelta(seconds=1)

    patch.setattr("domain.timestamp._after_leap_second", after)


def long_fractions_are_refused(patch: Patch) -> None:
    pattern = timestamp._TIMESTAMP.pattern  # noqa: SLF001 - the defect belongs in this pattern
    patch.setattr("domain.timestamp._TIMESTAMP", re.compile(pattern.replace(r"{1,6})\d*", "{1,6})"), re.ASCII))


def offsets_end_with_those_in_use(patch: Patch) -> None:
    offset = timestamp._offset  # noqa: SLF001 - as above

    def narrow(match: re.Match[str]) -> object:
        if int(match[9] or 0) > 14:
            raise ValueError("must have an offset from -14:00 to +14:00")
        return offset(match)

    patch.setattr("domain.timestamp._offset", narrow)


same, other = (
    test_email_address.test_spellings_of_one_address_are_the_same,
    test_email_address.test_two_addresses_stay_two,
)
read = test_timestamp.test_a_timestamp_is_read_to_the_microsecond_in_its_offset
refused = test_timestamp.test_what_is_no_timestamp_is_refused_in_words_about_it
DEFECTS: list[tuple[Callable[[Patch], None], Callable[[], None]]] = [
    (addresses_are_case_folded, partial(other, "stra\u00dfe@example.com", "strasse@example.com")),
    (addresses_are_compared_as_typed, partial(same, "r\u00e9ne@example.com", "re\u0301ne@example.com")),
    (addresses_are_compatible_forms, partial(other, "\ufb01n@example.com", "fin@example.com")),
    (domains_are_compared_as_typed, partial(same, "ann@fa\u00df.de", "ann@xn--fa-hia.de")),
    (domains_are_those_of_idna_2003, partial(other, "ann@fa\u00df.de", "ann@fass.de")),
    (leap_seconds_are_refused, partial(read, "2026-12-31T23:59:60Z")),
    (leap_seconds_are_everywhere, partial(refused, "2026-12-01T10:00:60Z")),
    (long_fractions_are_refused, partial(read, "2026-12-01T10:00:00.1234567Z")),
    (offsets_end_with_those_in_use, partial(read, "2026-12-01T10:00:00-23:59")),
]


@pytest.mark.parametrize(("plant", "check"), DEFECTS, ids=[plant.__name__ for plant, _ in DEFECTS])
def test_a_defect_in_a_spelling_turns_its_test_red(
    plant: Callable[[Patch], None], check: Callable[[], None], monkeypatch: Patch
) -> None:
    check()
    plant(monkeypatch)
    with pytest.raises((AssertionError, ValueError, pytest.fail.Exception)):
        check()
