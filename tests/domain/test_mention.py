"""Mentions: who a text mentions, and what stays text."""

import re
import time
from collections.abc import Mapping
from uuid import UUID

import pytest

from domain import mention
from domain.mention import MAX_MENTIONS, PersonName, find_mentions, may_mention
from tests.examples import ADA, BOB, CAT, fixed_uuid7

PEOPLE = {
    ADA.id: PersonName("Ada Lovelace", "ada@example.org"),
    BOB.id: PersonName("Bob Smith", "bob.smith@example.org"),
    CAT.id: PersonName("Çağla Smith", "cat@example.org"),
}
NAMES = {"ada": ADA.id, "bob": BOB.id, "cat": CAT.id}


def mentioned(text: str, people: Mapping[UUID, PersonName] = PEOPLE) -> list[str]:
    ids = {user: name for name, user in NAMES.items()}
    return [ids[user] for user in find_mentions(text, people)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@Ada", ["ada"]),
        ("(@ada), please", ["ada"]),
        ("@ADA LOVELACE", ["ada"]),
        ("@Ada  \n Lovelace's", ["ada"]),
        ("@Lovelace", ["ada"]),
        ("@Ada Byron", ["ada"]),
        ("@Adams", []),
        ("@Ada_1", []),
        ("@ Ada", []),
        ("ada@example.org", []),
        ("x@Ada", []),
        ("@@Ada", []),
        ("@ada@example.org", ["ada"]),
        ("@bob.smith@example.org.", ["bob"]),
        ("@Smith", []),
        ("@Bob Smith @Çağla Smith", ["bob", "cat"]),
        ("@C\u0327ag\u0306la", ["cat"]),
        ("@cağla", []),
        ("@Bob @Ada @Bob", ["bob", "ada"]),
        ("`@Ada` and ``x ` @Ada``", []),
        ("```\n@Ada\n```\n@Bob", ["bob"]),
        ("~~~\n@Ada\n", []),
        ("`@Ada", ["ada"]),
        ("@Eve", []),
        ("", []),
    ],
)
def test_a_text_mentions(text: str, names: list[str]) -> None:
    assert mentioned(text) == names
    assert may_mention(text) or not names


def test_a_name_that_two_share_mentions_neither() -> None:
    twins = {ADA.id: PersonName("Ada", "a@example.org"), BOB.id: PersonName("ada", "b@example.org")}
    assert mentioned("@Ada", twins) == []
    assert mentioned("@a@example.org", twins) == ["ada"]


def test_a_text_mentions_a_limited_number_of_users() -> None:
    many = {fixed_uuid7(400 + at): PersonName(f"User{at}", f"user{at}@example.org") for at in range(MAX_MENTIONS + 9)}
    assert len(find_mentions(" ".join(f"@User{at}" for at in range(len(many))), many)) == MAX_MENTIONS


@pytest.mark.parametrize("text", ["@a " * 16_000, "@" * 50_000, "`" * 50_000, "` " * 25_000, "~~~\n" * 12_500])
def test_the_longest_text_takes_no_time(text: str) -> None:
    many = {fixed_uuid7(at): PersonName(f"User {at}", f"user{at}@example.org") for at in range(400, 2_400)}
    started = time.process_time()
    may_mention(text)
    find_mentions(text, many)
    assert time.process_time() - started < 3


def test_the_code_of_a_text_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted defect: without its rule, code mentions."""
    monkeypatch.setattr(mention, "_CODE", re.compile("(?!)"))
    assert mentioned("`@Ada`") == ["ada"]
