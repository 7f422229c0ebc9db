"""Naming: what an address names, by id or by human key, and the place that a command happens in."""

import re
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from api.http.problems import Malformed
from commands.command import Command

C = TypeVar("C", bound=Command[Any])
_KEY = re.compile(r"[A-Z][A-Z0-9]{1,9}-[1-9][0-9]{0,8}")


def is_key(text: str) -> bool:
    """Whether it has the form of a human key, such as PROJ-12."""
    return bool(_KEY.fullmatch(text))


def given_id(text: str) -> UUID:
    """An id from an address; raises Malformed."""
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        raise Malformed("invalid_id", "This is neither a UUID nor a key such as PROJ-12.") from None


def within(command: C, **place: UUID | str) -> C:
    """The command in the place that its address names; raises Malformed where its body names another."""
    for field, value in place.items():
        if getattr(command, field) not in {None, value}:
            raise Malformed("places_differ", f"The address and {field} name different places.", pointer=f"#/{field}")
    return msgspec.structs.replace(command, **place)
