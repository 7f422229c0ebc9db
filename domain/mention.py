"""A mention: `@` and the name of a member, or the e-mail address, in a text that is not code."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final
from unicodedata import normalize
from uuid import UUID

from msgspec import Struct

MAX_MENTIONS: Final = 50
"""Users that one text mentions."""
_MAX_SIGNS: Final = 500
"""The first `@` of a text that are looked at."""
_MAX_NAME_CHARACTERS: Final = 254
_CODE: Final = re.compile(r"^(```|~~~).*?(?:^\1|\Z)|(`+)(?!`).+?(?<!`)\2(?!`)", re.DOTALL | re.MULTILINE)
"""Fenced code and code spans, as in CommonMark 0.31, sections 4.5 and 6.1."""
_SIGN: Final = re.compile(r"(?<![\w.@/+-])@(?=\w)")
_WORD_END: Final = re.compile(r"\w\b")


class PersonName(Struct, frozen=True):
    """What a user can be mentioned by."""

    name: str
    email: str


def may_mention(text: str) -> bool:
    """Whether a text may mention a user, whatever their names are."""
    return _SIGN.search(_CODE.sub(" ", text)) is not None


def find_mentions(text: str, people: Mapping[UUID, PersonName]) -> tuple[UUID, ...]:
    """The users that a text mentions, each once, in the order of the text, and at most `MAX_MENTIONS`.

    After the `@` stands a whole name, an address, or one word of a name, in any case. The longest that is known counts;
    one that several users share mentions none of them.
    """
    known, plain = _users_by_name(people), _fold(_CODE.sub(" ", text))
    found = dict.fromkeys(
        user
        for sign in list(_SIGN.finditer(plain))[:_MAX_SIGNS]
        for user in _longest_known(plain[sign.end() : sign.end() + _MAX_NAME_CHARACTERS], known)
    )
    return tuple(found)[:MAX_MENTIONS]


def _users_by_name(people: Mapping[UUID, PersonName]) -> Mapping[str, set[UUID]]:
    known = defaultdict[str, set[UUID]](set)
    for user, person in people.items():
        name = _fold(person.name)
        for each in (name, _fold(person.email), *name.split()):
            known[each].add(user)
    return known


def _longest_known(text: str, known: Mapping[str, set[UUID]]) -> Iterator[UUID]:
    """The one user with the longest name that the text begins with."""
    for end in reversed([match.end() for match in _WORD_END.finditer(text)]):
        if text[:end] in known:
            users = known[text[:end]]
            yield from users if len(users) == 1 else ()
            return


def _fold(text: str) -> str:
    """The form in which names are compared: canonical caseless matching, section 3.13 of the Unicode Standard."""
    return " ".join(normalize("NFC", normalize("NFD", text).casefold()).split())
